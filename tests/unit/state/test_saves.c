/* The rule by which state gets to the disk, with a store that answers when the test says so. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/state/saves.h"

#define WRITES_MAX 16

/* What is stored is one number. */
static int present;
static int disk;
static struct {
    int value;
    store_done_fn done;
    void *context;
} writes[WRITES_MAX];
static unsigned begun, ended;
static int put_result;
static bool no_memory;
static unsigned taken_back, settled, gone;
static bool was_asked;
static struct saves *saves;
static struct saves_part *part;

/* Who waits, in the order of the answers. */
static unsigned answered;
static uint32_t order[WRITES_MAX];
static int results[WRITES_MAX];

static void *copy(void *owner)
{
    int *value = no_memory ? NULL : malloc(sizeof *value);

    assert_ptr_equal(owner, &present);
    if (value)
        *value = present;
    return value;
}

static int put(struct store *store, void *owner, const void *value, store_done_fn done,
               void *context)
{
    assert_null(store);
    if (put_result < 0)
        return put_result;
    assert_true(begun < WRITES_MAX);
    writes[begun].value = value ? *(const int *)value : *(int *)owner;
    writes[begun].done = done;
    writes[begun++].context = context;
    return 0;
}

static bool take_back(void *owner, const void *stored, bool asked)
{
    *(int *)owner = stored ? *(const int *)stored : 0;
    taken_back++;
    was_asked = asked;
    return true;
}

static bool keep(void *owner, const void *stored, bool asked)
{
    (void)stored;
    assert_ptr_equal(owner, &present);
    taken_back++;
    was_asked = asked;
    return false;
}

static uint64_t now_ms, woken_ms;

static uint64_t clock_now(void *context)
{
    assert_ptr_equal(context, &now_ms);
    return now_ms;
}

static void clock_wake_at(void *context, uint64_t at_ms)
{
    assert_ptr_equal(context, &now_ms);
    woken_ms = at_ms;
}

static const struct save_kind number = {"number", copy, free, put, take_back};
static const struct save_kind event = {"event", copy, free, put, keep};
static const struct save_kind fact = {.name = "fact", .put = put};

static void on_settled(void *context, int result)
{
    assert_ptr_equal(context, &settled);
    assert_true(answered > 0 || result == 0);
    settled++;
}

static void on_gone(void *context)
{
    assert_ptr_equal(context, &gone);
    gone++;
}

static void begin(const struct save_kind *kind)
{
    static const struct saves_clock clock = {.now = clock_now, .wake_at = clock_wake_at};

    saves = saves_new(NULL, "the test");
    saves_set_clock(saves, &clock, &now_ms);
    part = saves_add(saves, kind, &present);
    assert_non_null(part);
    saves_on_settled(part, on_settled, &settled);
}

static int setup(void **state)
{
    (void)state;
    present = disk = put_result = 0;
    no_memory = was_asked = false;
    now_ms = 1000;
    woken_ms = 0;
    begun = ended = taken_back = settled = gone = answered = 0;
    log_set_target(LOG_TARGET_SYSLOG);
    begin(&number);
    return 0;
}

/* The store has dealt with the write begun first of those under way. */
static void end_write(int result)
{
    assert_true(ended < begun);
    if (result == 0)
        disk = writes[ended].value;
    ended++;
    writes[ended - 1].done(writes[ended - 1].context, result);
}

static int teardown(void **state)
{
    (void)state;
    saves_free(saves, NULL, NULL);
    while (ended < begun)
        end_write(0);
    log_set_target(LOG_TARGET_STDERR);
    return 0;
}

static void on_answer(const struct bmc_ticket *ticket, int result)
{
    assert_true(answered < WRITES_MAX);
    order[answered] = ticket->numbers[0];
    results[answered++] = result;
}

static void set(int value, uint32_t who)
{
    const struct bmc_ticket ticket = {.done = on_answer, .numbers = {who}};

    present = value;
    saves_changed(part, who ? &ticket : NULL);
}

static void advance(uint64_t ms)
{
    now_ms += ms;
    saves_tick(saves);
}

/* ---- the tests ---- */

static void test_answered_when_on_disk(void **state)
{
    (void)state;
    set(5, 1);
    assert_int_equal(begun, 1);
    assert_int_equal(answered, 0);
    end_write(0);
    assert_int_equal(disk, 5);
    assert_int_equal(answered, 1);
    assert_int_equal(results[0], 0);
    assert_int_equal(settled, 1);
    assert_int_equal(taken_back, 0);
}

/* What changes while a copy is written goes into one more, which all of them wait for. */
static void test_changes_meanwhile_go_together(void **state)
{
    (void)state;
    set(1, 1);
    set(2, 2);
    set(3, 0);
    set(4, 3);
    assert_int_equal(begun, 1);
    assert_int_equal(writes[0].value, 1);
    end_write(0);
    assert_int_equal(answered, 1); /* the first alone */
    assert_int_equal(begun, 2);
    assert_int_equal(writes[1].value, 4);
    end_write(0);
    assert_int_equal(answered, 3);
    assert_int_equal(order[1], 2);
    assert_int_equal(order[2], 3);
    assert_int_equal(disk, 4);
    assert_int_equal(begun, 2);
}

static void test_refused(void **state)
{
    (void)state;
    set(1, 1);
    end_write(0);
    set(2, 2);
    end_write(-ENOSPC);
    assert_int_equal(present, 1);
    assert_true(was_asked);
    assert_int_equal(results[1], -ENOSPC);
    assert_int_equal(settled, 2);
    /* nothing was ever stored: the defaults */
    saves_set_stored(part, NULL);
    set(3, 3);
    end_write(-EIO);
    assert_int_equal(present, 0);
    assert_int_equal(disk, 1);
}

/* The BMC starts again: what is on disk is read again, unless it is about to change. */
static void test_read_again(void **state)
{
    (void)state;
    set(1, 0);
    end_write(0);
    present = 7; /* which nobody has reported */
    saves_read_again(part);
    assert_int_equal(present, 1);
    assert_false(was_asked);
    set(2, 1);
    saves_read_again(part); /* 2 is on its way */
    assert_int_equal(present, 2);
    set(3, 2);
    saves_read_again(part); /* and 3 is wanted */
    assert_int_equal(present, 3);
    end_write(0);
    end_write(-EIO);
    assert_int_equal(present, 2);
    saves_read_again(part);
    assert_int_equal(present, 2);
    assert_int_equal(begun, 3);
}

/* What an earlier run stored. */
static void test_refused_after_a_restart(void **state)
{
    int *stored = malloc(sizeof *stored);

    (void)state;
    assert_non_null(stored);
    *stored = 7;
    saves_set_stored(part, stored);
    set(8, 1);
    end_write(-EIO);
    assert_int_equal(present, 7);
}

/* The next copy would hold the refused change as well, and its client was told that it is not
 * stored. */
static void test_refused_and_changed_again(void **state)
{
    (void)state;
    set(1, 1);
    set(2, 2);
    end_write(-ENOSPC);
    assert_int_equal(taken_back, 1);
    assert_true(was_asked);
    assert_int_equal(answered, 2);
    assert_int_equal(order[0], 1);
    assert_int_equal(results[0], -ENOSPC);
    assert_int_equal(results[1], -ENOSPC);
    assert_int_equal(present, 0);
    assert_int_equal(begun, ended);
    set(4, 3);
    end_write(0);
    assert_int_equal(results[2], 0);
    assert_int_equal(disk, 4);
}

/* What happens behind a refused change is not taken back with it. */
static void test_refused_before_an_event(void **state)
{
    (void)state;
    set(1, 1);
    set(2, 0);
    set(3, 2);
    end_write(-ENOSPC);
    assert_int_equal(taken_back, 0);
    assert_int_equal(answered, 1);
    assert_int_equal(results[0], -ENOSPC);
    end_write(0);
    assert_int_equal(results[1], 0);
    assert_int_equal(disk, 3);
    set(4, 1);
    set(5, 1);
    end_write(-ENOSPC);
    assert_int_equal(present, 3);
    assert_int_equal(answered, 4);
}

/* A refused copy of what has merely happened refuses nobody's change. */
static void test_event_refused_before_a_change(void **state)
{
    (void)state;
    set(5, 1);
    end_write(0);
    set(1, 0);
    set(2, 1);
    end_write(-ENOSPC);
    assert_int_equal(answered, 1);
    assert_int_equal(taken_back, 0);
    end_write(0);
    assert_int_equal(results[1], 0);
    assert_int_equal(disk, 2);
}

/* What is not taken back is stored with what has changed since. */
static void test_fact_refused_and_changed_again(void **state)
{
    (void)state;
    saves_free(saves, NULL, NULL);
    begin(&fact);
    set(1, 1);
    set(2, 2);
    end_write(-ENOSPC);
    assert_int_equal(answered, 1);
    assert_int_equal(results[0], -ENOSPC);
    assert_int_equal(begun, 2);
    end_write(0);
    assert_int_equal(results[1], 0);
    assert_int_equal(disk, 2);
}

/* That somebody asked for what is not on disk yet is not forgotten with the first refusal. */
static void test_asked_until_it_is_stored(void **state)
{
    (void)state;
    set(1, 1);
    set(2, 0);
    end_write(-ENOSPC);
    end_write(-ENOSPC);
    assert_int_equal(taken_back, 1);
    assert_true(was_asked);
    assert_false(saves_is_stored(part)); /* something has happened */
    set(3, 0);
    end_write(-ENOSPC);
    set(4, 1);
    set(5, 0);
    end_write(0);
    end_write(-ENOSPC);
    assert_int_equal(present, 5);
    assert_int_equal(taken_back, 1);
    advance(SAVES_RETRY_MS);
    end_write(0);
    assert_int_equal(disk, 5);
    assert_true(saves_is_stored(part));
}

/* What has happened goes to the disk although it came with what a client asked for, and was
 * refused. */
static void test_happened_with_what_is_refused(void **state)
{
    (void)state;
    set(1, 0);
    set(2, 0);
    set(3, 1);
    end_write(0);
    end_write(-ENOSPC);
    assert_int_equal(taken_back, 1);
    assert_int_equal(present, 1);
    assert_false(saves_is_stored(part));
    present = 4; /* what take_back leaves of it */
    advance(SAVES_RETRY_MS);
    end_write(0);
    assert_int_equal(disk, 4);
    set(5, 1);
    end_write(-ENOSPC);
    assert_true(saves_is_stored(part));
}

static void test_no_store_and_no_memory(void **state)
{
    (void)state;
    put_result = -ESHUTDOWN;
    set(1, 1);
    assert_int_equal(answered, 1);
    assert_int_equal(results[0], -ESHUTDOWN);
    assert_int_equal(present, 0);
    put_result = 0;
    no_memory = true;
    set(2, 2);
    assert_int_equal(results[1], -ENOMEM);
    assert_int_equal(present, 0);
    no_memory = false;
    set(3, 3);
    end_write(0);
    assert_int_equal(disk, 3);
}

static void change_in_answer(void *context, int result)
{
    assert_ptr_equal(context, &present);
    on_answer(&(struct bmc_ticket){.numbers = {9}}, result);
    set(present + 1, 2);
}

/* Who is answered may change the part from within. */
static void test_changed_in_an_answer(void **state)
{
    (void)state;
    present = 1;
    saves_changed_then(part, change_in_answer, &present);
    end_write(0);
    assert_int_equal(begun, 2);
    assert_int_equal(writes[1].value, 2);
    end_write(0);
    assert_int_equal(answered, 2);
    saves_changed_then(part, change_in_answer, &present);
    end_write(-EIO);
    assert_int_equal(present, 3); /* taken back to 2, then changed */
    end_write(0);
    assert_int_equal(disk, 3);
    assert_int_equal(begun, 4);
}

/* A fact stays what it is. */
static void test_not_taken_back(void **state)
{
    (void)state;
    saves_free(saves, NULL, NULL);
    begin(&fact);
    set(1, 1);
    set(2, 0);
    end_write(-EIO);
    assert_int_equal(present, 2);
    assert_int_equal(results[0], -EIO);
    end_write(0);
    assert_int_equal(disk, 2);
}

/* And is tried again, as it is by then. */
static void test_fact_tried_again(void **state)
{
    (void)state;
    saves_free(saves, NULL, NULL);
    begin(&fact);
    set(1, 1);
    end_write(-EIO);
    assert_int_equal(results[0], -EIO);
    assert_false(saves_is_stored(part));
    assert_int_equal(woken_ms, now_ms + SAVES_RETRY_MS);
    present = 2;
    advance(SAVES_RETRY_MS);
    assert_int_equal(begun, 2);
    end_write(0);
    assert_int_equal(disk, 2);
    assert_true(saves_is_stored(part));
}

/* What has happened stays, and is tried again until the disk takes it. */
static void test_tried_again(void **state)
{
    (void)state;
    saves_free(saves, NULL, NULL);
    begin(&event);
    advance(SAVES_RETRY_MS);
    assert_int_equal(begun, 0);
    set(1, 1);
    end_write(-ENOSPC);
    assert_int_equal(results[0], -ENOSPC);
    assert_true(was_asked);
    assert_int_equal(present, 1);
    assert_false(saves_is_stored(part));
    assert_int_equal(woken_ms, now_ms + SAVES_RETRY_MS);
    assert_int_equal(saves_next_deadline(saves), woken_ms);
    advance(SAVES_RETRY_MS - 1);
    assert_int_equal(begun, 1);
    advance(1);
    assert_int_equal(begun, 2);
    assert_int_equal(saves_next_deadline(saves), UINT64_MAX);
    end_write(-ENOSPC);
    assert_int_equal(taken_back, 1); /* who asked was answered */
    advance(SAVES_RETRY_MS);
    end_write(0);
    assert_int_equal(disk, 1);
    assert_true(saves_is_stored(part));
    advance(10 * SAVES_RETRY_MS);
    assert_int_equal(begun, 3);
}

/* The log of two refusals, one after the other, in `text`. */
static void read_log(const struct save_kind *kind, uint32_t who, char *text, size_t size)
{
    FILE *file = tmpfile();
    int standard = dup(STDERR_FILENO);

    assert_non_null(file);
    saves_free(saves, NULL, NULL);
    begin(kind);
    dup2(fileno(file), STDERR_FILENO);
    log_set_target(LOG_TARGET_JOURNAL);
    for (int i = 1; i <= 2; i++) {
        set(i, who);
        end_write(-ENOSPC);
    }
    log_set_target(LOG_TARGET_SYSLOG);
    fflush(stderr);
    dup2(standard, STDERR_FILENO);
    close(standard);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    saves_flush(saves);
    while (ended < begun)
        end_write(0);
}

/* Each time that a change is undone, and once that something has stayed. */
static void test_what_the_log_says(void **state)
{
    static const struct {
        const struct save_kind *kind;
        uint32_t who;
        const char *text;
        unsigned times;
    } cases[] = {
        {&number, 1, "number not stored, change undone", 2},
        {&number, 0, "number not stored, to be tried again", 1},
        {&event, 1, "event not stored, what a client set is undone, the rest to be tried again", 2},
        {&event, 0, "event not stored, to be tried again", 1},
        {&fact, 1, "fact not stored, to be tried again", 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[1024], expected[1024] = "";
        for (unsigned n = 0, used = 0; n < cases[i].times; n++)
            used += (unsigned)snprintf(expected + used, sizeof expected - used,
                                       "<3>the test: %s: %s\n", cases[i].text, strerror(ENOSPC));
        read_log(cases[i].kind, cases[i].who, text, sizeof text);
        assert_string_equal(text, expected);
    }
}

/* A change that comes in between stores it too. */
static void test_changed_before_it_is_tried_again(void **state)
{
    (void)state;
    saves_free(saves, NULL, NULL);
    begin(&event);
    set(1, 1);
    end_write(-ENOSPC);
    set(2, 0);
    advance(SAVES_RETRY_MS);
    assert_int_equal(begun, 2);
    end_write(0);
    assert_int_equal(disk, 2);
    advance(SAVES_RETRY_MS);
    assert_int_equal(begun, ended);
    assert_true(saves_is_stored(part));
}

/* The owner goes before it is time. */
static void test_refused_and_flushed(void **state)
{
    (void)state;
    saves_free(saves, NULL, NULL);
    begin(&event);
    set(1, 1);
    end_write(-ENOSPC);
    saves_flush(saves);
    assert_int_equal(begun, 2);
    end_write(0);
    assert_int_equal(disk, 1);
    /* Once: the store may be gone by the time of the second call. */
    saves_free(saves, NULL, NULL);
    begin(&event);
    set(2, 1);
    end_write(-ENOSPC);
    saves_flush(saves);
    end_write(-ENOSPC);
    saves_flush(saves);
    assert_int_equal(begun, ended);
    /* What was undone is not stored again. */
    saves_free(saves, NULL, NULL);
    begin(&number);
    set(3, 1);
    end_write(-ENOSPC);
    assert_int_equal(saves_next_deadline(saves), UINT64_MAX);
    saves_flush(saves);
    assert_int_equal(begun, ended);
}

/* The owner goes: all that is wanted is handed over at once, in the order of the changes. */
static void test_flushed(void **state)
{
    (void)state;
    set(1, 1);
    set(2, 2);
    assert_int_equal(begun, 1);
    saves_flush(saves);
    assert_int_equal(begun, 2);
    set(3, 3); /* and what comes behind it */
    assert_int_equal(begun, 3);
    saves_free(saves, on_gone, &gone);
    saves = NULL;
    assert_int_equal(gone, 0);
    end_write(0);
    end_write(-EIO);
    assert_int_equal(gone, 0);
    assert_int_equal(present, 3); /* nobody is there to take it back */
    end_write(0);
    assert_int_equal(disk, 3);
    assert_int_equal(answered, 3);
    assert_int_equal(settled, 0);
    assert_int_equal(gone, 1);
}

static void test_freed(void **state)
{
    (void)state;
    set(1, 1);
    end_write(0);
    saves_free(saves, on_gone, &gone);
    assert_int_equal(gone, 1);
    saves = NULL;
    saves_flush(NULL);
    saves_free(NULL, on_gone, &gone);
    assert_int_equal(gone, 2);
    assert_null(saves_add(NULL, &number, &present));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answered_when_on_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_meanwhile_go_together, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_and_changed_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_before_an_event, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event_refused_before_a_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_happened_with_what_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fact_refused_and_changed_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asked_until_it_is_stored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_store_and_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_in_an_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fact_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_log_says, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_before_it_is_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_and_flushed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flushed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_freed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
