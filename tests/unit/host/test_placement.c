/* Which copy of a guest counts: one case for each rule of vbmc/host/placement.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/host/placement.h"
#include "vbmc/host/placement_map.h"

static struct placement_map map;
static struct placement placement;
static struct placement_hypervisor *a, *b;
static int domain_a, domain_b; /* only their addresses count */
static bool arrived;

static int setup(void **state)
{
    (void)state;
    a = placement_map_get(&map, "qemu:///a");
    b = placement_map_get(&map, "qemu:///b");
    assert_int_equal(placement_hypervisor_rename(a, "a"), 0);
    assert_int_equal(placement_hypervisor_rename(b, "b"), 0);
    a->removed = b->removed = false;
    a->connected = b->connected = true;
    a->known = b->known = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    placement_clear(&placement);
    placement_map_clear(&map);
    return 0;
}

static void see(struct placement_hypervisor *hypervisor, enum placement_state state,
                enum host_stop_reason reason, bool live)
{
    const struct placement_sight sight = {
        .hypervisor = hypervisor,
        .domain = hypervisor == a ? &domain_a : &domain_b,
        .state = state,
        .stop_reason = reason,
        .live = live,
    };

    assert_int_equal(placement_see(&placement, &sight, &arrived), 0);
}

static const char left_a[] = "migrated away from a, to a hypervisor that does not show it";

static const char *decide(const void *present)
{
    static char text[256];

    placement_decide(&map, &placement, present, false, NULL);
    placement_explain(&placement, text, sizeof text);
    return text;
}

/* A restart of the daemon: what is stored, and nobody is connected yet. */
static void restart(void)
{
    enum placement_fact fact_of_a, fact_of_b;
    bool at_a = false, at_b = false;

    for (size_t i = 0; i < placement.count; i++) {
        at_a |= placement.copies[i].hypervisor == a;
        at_b |= placement.copies[i].hypervisor == b;
    }
    fact_of_a = placement_fact_of(&placement, a);
    fact_of_b = placement_fact_of(&placement, b);
    placement_clear(&placement);
    a->connected = b->connected = a->known = b->known = false;
    placement_restore(&placement, a, at_a, fact_of_a);
    placement_restore(&placement, b, at_b, fact_of_b);
}

/* A plain migration leaves a copy on the source, the guest is transient on the target. */
static void migrate_a_to_b(void)
{
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    see(b, PLACEMENT_MIGRATING, HOST_STOP_UNKNOWN, true);
    assert_string_equal(decide(&domain_a), "running on a");
    see(a, PLACEMENT_OFF, HOST_STOP_MOVED, true);
    assert_string_equal(decide(&domain_a), "being migrated to b, or started there");
    see(b, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    assert_true(arrived);
    assert_string_equal(decide(NULL), "running on b");
}

static void test_migration(void **state)
{
    (void)state;
    migrate_a_to_b();
    placement_gone(&placement, b, HOST_STOP_DESTROYED);
    assert_string_equal(decide(NULL), "off on a");
}

static void test_target_is_away_after_a_restart(void **state)
{
    (void)state;
    migrate_a_to_b();
    restart();
    a->connected = true;
    see(a, PLACEMENT_OFF, HOST_STOP_UNKNOWN, false); /* libvirtd has forgotten why */
    assert_string_equal(decide(NULL),
                        "hypervisor b is not connected, and the guest was last seen running there");
    b->connected = true;
    see(b, PLACEMENT_ON, HOST_STOP_UNKNOWN, false);
    assert_string_equal(decide(NULL), "running on b");
}

static void test_target_has_lost_it(void **state)
{
    (void)state;
    migrate_a_to_b();
    restart();
    a->connected = b->connected = true;
    see(a, PLACEMENT_OFF, HOST_STOP_MOVED, false);
    placement_listed_all(&placement, b);
    assert_string_equal(decide(NULL), "off on a");
    /* That the copy on a was left behind stays old news. */
    see(a, PLACEMENT_OFF, HOST_STOP_MOVED, false);
    assert_string_equal(decide(NULL), "off on a");
}

static void test_migration_to_nobody(void **state)
{
    (void)state;
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    see(a, PLACEMENT_OFF, HOST_STOP_MOVED, true);
    assert_string_equal(decide(&domain_a),
                        "migrated away from a, to a hypervisor that does not show it");
    restart();
    a->connected = b->connected = true;
    see(a, PLACEMENT_OFF, HOST_STOP_UNKNOWN, false);
    placement_listed_all(&placement, b);
    assert_string_equal(decide(NULL),
                        "migrated away from a, to a hypervisor that does not show it");
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    assert_true(arrived);
    assert_string_equal(decide(NULL), "running on a");
}

/* It left for b, which was not connected. */
static void leave_a_for_b(void)
{
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    assert_string_equal(decide(NULL), "running on a");
    b->connected = false;
    assert_string_equal(decide(&domain_a), "running on a");
    see(a, PLACEMENT_OFF, HOST_STOP_MOVED, true);
    assert_string_equal(decide(&domain_a), left_a);
}

static void test_only_one_that_was_away_releases(void **state)
{
    (void)state;
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    see(a, PLACEMENT_OFF, HOST_STOP_MOVED, true);
    assert_string_equal(decide(&domain_a), left_a);
    b->connected = false; /* later */
    assert_string_equal(decide(NULL), left_a);
    b->dead = true;
    placement_release(&placement, b);
    placement_remove(&placement, b);
    assert_string_equal(decide(NULL), left_a);
    b->dead = false;
    b->connected = true;
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    leave_a_for_b();
    restart(); /* it is stored */
    a->connected = true;
    see(a, PLACEMENT_OFF, HOST_STOP_UNKNOWN, false);
    assert_string_equal(decide(NULL), left_a);
    b->dead = true;
    placement_release(&placement, b);
    assert_string_equal(decide(NULL), "off on a");
}

static void test_one_that_is_back_releases_no_more(void **state)
{
    (void)state;
    leave_a_for_b();
    b->connected = true;
    placement_listed_all(&placement, b);
    assert_string_equal(decide(NULL), left_a);
    b->connected = false;
    b->dead = true;
    placement_release(&placement, b);
    assert_string_equal(decide(NULL), left_a);
}

static void test_ended_where_it_went(void **state)
{
    (void)state;
    leave_a_for_b();
    b->connected = true;
    see(b, PLACEMENT_OFF, HOST_STOP_SHUTDOWN, false);
    assert_string_equal(decide(NULL), "off on b");
}

/* As it comes and goes faster than it is looked at. */
static void test_ended_at_once_where_it_went(void **state)
{
    (void)state;
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    assert_string_equal(decide(NULL), "running on a");
    see(a, PLACEMENT_OFF, HOST_STOP_MOVED, true);
    assert_string_equal(decide(&domain_a), left_a);
    see(b, PLACEMENT_OFF, HOST_STOP_DESTROYED, true);
    assert_string_equal(decide(NULL), "off on b");
}

/* What ended there before it left a is old news, and so is all that was not looked at before. */
static void test_old_ends_say_nothing(void **state)
{
    (void)state;
    see(b, PLACEMENT_OFF, HOST_STOP_SHUTDOWN, true);
    leave_a_for_b();
    b->connected = true;
    see(b, PLACEMENT_OFF, HOST_STOP_SHUTDOWN, false);
    assert_string_equal(decide(NULL), left_a);
    placement_clear(&placement);
    b->connected = b->known = false; /* new in the configuration */
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    leave_a_for_b();
    b->connected = true;
    see(b, PLACEMENT_OFF, HOST_STOP_SHUTDOWN, false);
    assert_string_equal(decide(NULL), left_a);
    placement_clear(&placement);
    b->connected = false; /* a first start of the daemon */
    b->known = true;
    see(a, PLACEMENT_OFF, HOST_STOP_MOVED, false);
    assert_string_equal(decide(NULL), left_a);
    b->connected = true;
    see(b, PLACEMENT_OFF, HOST_STOP_SHUTDOWN, false);
    assert_string_equal(decide(NULL), left_a);
}

static void test_saved_is_off(void **state)
{
    (void)state;
    b->connected = false;
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    see(a, PLACEMENT_OFF, HOST_STOP_SAVED, true);
    assert_string_equal(decide(&domain_a), "off on a");
}

static void test_new_guest_does_not_wait(void **state)
{
    (void)state;
    b->connected = false;
    see(a, PLACEMENT_OFF, HOST_STOP_UNKNOWN, true);
    assert_string_equal(decide(NULL), "off on a");
    restart();
    a->connected = true;
    see(a, PLACEMENT_OFF, HOST_STOP_UNKNOWN, false);
    assert_string_equal(decide(NULL), "off on a");
}

static void test_unknown_guest_waits(void **state)
{
    (void)state;
    b->connected = false;
    see(a, PLACEMENT_OFF, HOST_STOP_UNKNOWN, false);
    assert_string_equal(decide(NULL), "hypervisor b is not connected, and the guest may be there");
    /* For the copy of one hypervisor a BMC was made by name: others have to have the guest. */
    struct placement_decision decision =
        placement_decide(&map, &placement, NULL, false, "qemu:///a");
    assert_int_equal(decision.verdict, PLACEMENT_COUNTS);
    /* Off everywhere, it is known to be off: b may go again. */
    b->connected = true;
    assert_string_equal(decide(NULL), "off on a");
    b->connected = false;
    assert_string_equal(decide(&domain_a), "off on a");
}

static void test_a_copy_elsewhere_counts(void **state)
{
    (void)state;
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    see(b, PLACEMENT_OFF, HOST_STOP_UNKNOWN, true);
    assert_string_equal(decide(NULL), "running on a");
    b->connected = false; /* it runs in sight, and waits for nobody */
    assert_string_equal(decide(&domain_a), "running on a");
    see(a, PLACEMENT_OFF, HOST_STOP_SHUTDOWN, true);
    assert_string_equal(decide(&domain_a),
                        "hypervisor b is not connected, and it has the guest's domain");
    b->connected = true;
    assert_string_equal(decide(NULL), "off on a"); /* the one that ran last */
}

static void test_runs_twice(void **state)
{
    (void)state;
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    see(b, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    assert_false(arrived);
    assert_string_equal(decide(&domain_a), "running on a and on b at the same time");
    see(a, PLACEMENT_OFF, HOST_STOP_DESTROYED, true);
    assert_string_equal(decide(&domain_a), "running on b");
}

static void test_declared_dead(void **state)
{
    (void)state;
    migrate_a_to_b();
    b->connected = false;
    assert_string_equal(decide(&domain_b),
                        "hypervisor b is not connected, and the guest was last seen running there");
    b->dead = true;
    placement_release(&placement, b);
    assert_string_equal(decide(NULL), "off on a");
}

static void test_removed(void **state)
{
    (void)state;
    migrate_a_to_b();
    placement_remove(&placement, b);
    b->removed = true;
    b->connected = false;
    assert_string_equal(decide(NULL), "hypervisor b is no longer configured, and the guest was last"
                                      " seen running there");
    b->removed = false;
    b->connected = true;
    see(b, PLACEMENT_ON, HOST_STOP_UNKNOWN, false);
    assert_string_equal(decide(NULL), "running on b");
    /* One that cannot be reached is given up by taking it out. */
    b->connected = false;
    placement_remove(&placement, b);
    b->removed = true;
    assert_string_equal(decide(NULL), "off on a");
}

/* What libvirt has forgotten can be started from its kept XML, if nobody else has the domain. */
static void test_kept_copy(void **state)
{
    const struct placement_sight kept = {
        .hypervisor = b,
        .domain = &domain_b,
        .state = PLACEMENT_OFF,
        .stop_reason = HOST_STOP_DESTROYED,
        .unlisted = true,
        .live = true,
    };

    (void)state;
    migrate_a_to_b();
    assert_int_equal(placement_see(&placement, &kept, &arrived), 0);
    assert_string_equal(decide(&domain_b), "off on a");
    placement_gone(&placement, a, HOST_STOP_UNKNOWN);
    assert_string_equal(decide(NULL), "off on b");
}

static void test_a_start_under_way_is_not_left(void **state)
{
    (void)state;
    see(a, PLACEMENT_ON, HOST_STOP_UNKNOWN, true);
    see(a, PLACEMENT_OFF, HOST_STOP_SHUTDOWN, true);
    see(b, PLACEMENT_OFF, HOST_STOP_UNKNOWN, true);
    struct placement_decision decision = placement_decide(&map, &placement, &domain_b, true, NULL);
    assert_ptr_equal(decision.domain, &domain_b);
    assert_string_equal(decide(&domain_b), "off on a");
}

/* A section that gets another URI is another hypervisor: the old one is not called so any more. */
static void test_names(void **state)
{
    struct placement_hypervisor *new = placement_map_get(&map, "qemu:///new");

    (void)state;
    assert_ptr_equal(placement_map_find_named(&map, "b"), b);
    b->removed = true;
    assert_ptr_equal(placement_map_find_named(&map, "b"), b); /* nothing else is called so */
    assert_int_equal(placement_map_name(&map, new, "b"), 0);
    assert_string_equal(b->name, "qemu:///b");
    assert_ptr_equal(placement_map_find_named(&map, "b"), new);
    new->removed = false;
    assert_ptr_equal(placement_map_find_named(&map, "b"), new);
    assert_ptr_equal(placement_map_find_named(&map, "qemu:///b"), b);
    assert_null(placement_map_find_named(&map, "c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_migration, setup, teardown),
        cmocka_unit_test_setup_teardown(test_target_is_away_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_target_has_lost_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_migration_to_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_one_that_was_away_releases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_that_is_back_releases_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ended_where_it_went, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ended_at_once_where_it_went, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_ends_say_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_saved_is_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_guest_does_not_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_guest_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_copy_elsewhere_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_runs_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_declared_dead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_copy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_start_under_way_is_not_left, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
