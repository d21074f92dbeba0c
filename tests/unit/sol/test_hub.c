/* The hub: no byte lost, repeated or reordered that is not reported lost, one writer after the
 * other, and everything freed inside everything's callbacks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/disk.h"
#include "sol/hub.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/base/stream.h"

/* ---- a source, and what was typed into it ---- */

struct fake_stream {
    struct stream stream;
    bool opened, closed, fails;
    size_t room; /* bytes it takes before it is full */
    char written[65536];
    size_t written_size;
};

static struct hub *hub;
static struct fake_stream source, second;
static uint64_t now_ms;

static void fake_open(struct stream *stream)
{
    struct fake_stream *fake = CONTAINER_OF(stream, struct fake_stream, stream);

    assert_false(fake->opened || fake->closed);
    fake->opened = true;
}

static ssize_t fake_write(struct stream *stream, const uint8_t *bytes, size_t size)
{
    struct fake_stream *fake = CONTAINER_OF(stream, struct fake_stream, stream);
    size_t taken = size < fake->room ? size : fake->room;

    assert_true(fake->opened && !fake->closed);
    if (fake->fails)
        return -EPIPE;
    assert_true(fake->written_size + taken < sizeof fake->written);
    memcpy(fake->written + fake->written_size, bytes, taken);
    fake->written_size += taken;
    fake->room -= taken;
    return (ssize_t)taken;
}

static void fake_close(struct stream *stream)
{
    struct fake_stream *fake = CONTAINER_OF(stream, struct fake_stream, stream);

    assert_false(fake->closed);
    fake->closed = true;
}

static void fake_init(struct fake_stream *fake)
{
    static const struct stream_ops ops = {fake_open, fake_write, fake_close};

    memset(fake, 0, sizeof *fake);
    fake->stream.ops = &ops;
    fake->room = SIZE_MAX;
}

static void make_room(struct fake_stream *fake, size_t room)
{
    fake->room = room;
    stream_report_writable(&fake->stream);
}

static void say_bytes(const void *bytes, size_t size)
{
    now_ms++;
    stream_report_received(&source.stream, bytes, size);
}

static void say(const char *text)
{
    say_bytes(text, strlen(text));
}

static uint64_t fake_clock(void *context)
{
    return *(uint64_t *)context;
}

static void connect_source(struct fake_stream *fake)
{
    stream_report_state(&fake->stream, STREAM_CONNECTED, "there");
}

static void new_hub(size_t history_size, size_t queue_size, const char *file)
{
    const struct hub_options options = {
        .history_size = history_size,
        .queue_size = queue_size,
        .history_file = file,
        .clock = fake_clock,
        .clock_context = &now_ms,
    };

    fake_init(&source);
    fake_init(&second);
    now_ms = 1000;
    assert_int_equal(hub_new(&options, &hub), 0);
    hub_attach(hub, &source.stream);
    connect_source(&source);
}

static void free_hub(void)
{
    hub_free(hub);
    hub = NULL;
}

static int teardown(void **state)
{
    (void)state;
    free_hub();
    return 0;
}

/* ---- a reader and writer of the tests: a session ---- */

enum what { NOTHING, FREE_MYSELF, FREE_OTHER, FREE_HUB, NEW_READER, FREE_ALL, TYPE_AS_OTHER };

struct session {
    struct hub_reader *reader;
    struct hub_writer *writer;
    struct session *other;
    unsigned available, closed, writable;
    char notices[1024]; /* "kind@position:text " for each */
    enum what on_available, on_notice, on_closed, on_writable;
    const char *to_type;
    ssize_t typed;
};

static struct hub_reader *added; /* by NEW_READER */
static unsigned added_calls;

static void on_added_available(void *context)
{
    (void)context;
    added_calls++;
}

static void on_added_notice(void *context, const struct hub_notice *notice)
{
    (void)context;
    (void)notice;
    added_calls++;
}

static const struct hub_reader_events added_events = {on_added_available, on_added_notice, NULL};

static void leave(struct session *session)
{
    hub_reader_free(session->reader);
    hub_writer_free(session->writer);
    session->reader = NULL;
    session->writer = NULL;
}

static void act(struct session *session, enum what what)
{
    switch (what) {
    case NOTHING:
        break;
    case FREE_MYSELF:
        leave(session);
        break;
    case FREE_OTHER:
        leave(session->other);
        break;
    case FREE_HUB:
        free_hub();
        break;
    case NEW_READER:
        if (!added)
            assert_int_equal(hub_reader_new(hub, HUB_FROM_START, 0, &added_events, NULL, &added),
                             0);
        break;
    case TYPE_AS_OTHER:
        session->typed = hub_write(session->other->writer, "too early", 9);
        break;
    case FREE_ALL:
        leave(session);
        leave(session->other);
        free_hub();
        break;
    }
}

static void on_available(void *context)
{
    struct session *session = context;

    assert_non_null(session->reader);
    session->available++;
    act(session, session->on_available);
}

static void on_notice(void *context, const struct hub_notice *notice)
{
    struct session *session = context;
    size_t used = strlen(session->notices);

    assert_non_null(session->reader);
    assert_int_equal(notice->time_ms, now_ms);
    snprintf(session->notices + used, sizeof session->notices - used, "%d@%llu:%s ",
             (int)notice->kind, (unsigned long long)notice->position, notice->text);
    act(session, session->on_notice);
}

static void on_closed(void *context)
{
    struct session *session = context;

    assert_non_null(session->reader);
    session->closed++;
    act(session, session->on_closed);
}

static void on_writable(void *context)
{
    struct session *session = context;

    assert_non_null(session->writer);
    session->writable++;
    if (session->to_type) {
        session->typed = hub_write(session->writer, session->to_type, strlen(session->to_type));
        session->to_type += session->typed > 0 ? session->typed : 0;
    }
    act(session, session->on_writable);
}

static void join(struct session *session, enum hub_from from, size_t lines)
{
    static const struct hub_reader_events reader_events = {on_available, on_notice, on_closed};
    static const struct hub_writer_events writer_events = {on_writable};

    memset(session, 0, sizeof *session);
    assert_int_equal(hub_reader_new(hub, from, lines, &reader_events, session, &session->reader),
                     0);
    assert_int_equal(hub_writer_new(hub, &writer_events, session, &session->writer), 0);
}

static ssize_t type(struct session *session, const char *text)
{
    return hub_write(session->writer, text, strlen(text));
}

/* Reads all there is. */
static const char *read_all(struct session *session)
{
    static char text[65536];
    const uint8_t *bytes;
    size_t used = 0, size;

    for (;;) {
        hub_reader_peek(session->reader, &bytes, &size);
        if (size == 0)
            break;
        assert_true(used + size < sizeof text);
        memcpy(text + used, bytes, size);
        used += size;
        hub_reader_consume(session->reader, size);
    }
    assert_int_equal(hub_reader_pending(session->reader), 0);
    text[used] = '\0';
    return text;
}

#define assert_typed(fake, text)                                                                   \
    do {                                                                                           \
        assert_int_equal((fake).written_size, strlen(text));                                       \
        assert_memory_equal((fake).written, text, strlen(text));                                   \
    } while (0)

/* ---- readers ---- */

static void test_where_readers_begin(void **state)
{
    struct session end, start, lines, many;

    (void)state;
    new_hub(64, 0, NULL);
    say("one\ntwo\nlogin: ");
    join(&end, HUB_FROM_END, 0);
    join(&start, HUB_FROM_START, 0);
    join(&lines, HUB_FROM_LINES, 2);
    join(&many, HUB_FROM_LINES, 99);
    assert_int_equal(hub_count_readers(hub), 4);
    assert_int_equal(hub_count_writers(hub), 4);
    assert_int_equal(hub_reader_position(end.reader), 15);
    assert_int_equal(hub_reader_pending(lines.reader), 11);
    assert_string_equal(read_all(&start), "one\ntwo\nlogin: ");
    assert_string_equal(read_all(&many), "one\ntwo\nlogin: ");
    assert_int_equal(start.available, 0);
    say("root\n");
    assert_int_equal(start.available, 1);
    assert_string_equal(read_all(&start), "root\n");
    assert_string_equal(read_all(&end), "root\n");
    assert_string_equal(read_all(&lines), "two\nlogin: root\n");
    assert_int_equal(hub_history_length(hub), 20);
    assert_int_equal(hub_last_received_ms(hub), 1002);
    leave(&end);
    leave(&start);
    leave(&lines);
    assert_int_equal(hub_count_readers(hub), 1);
    assert_int_equal(hub_count_writers(hub), 1);
    leave(&many);
}

static void test_slow_reader(void **state)
{
    struct session slow, quick;
    const uint8_t *bytes;
    size_t size;

    (void)state;
    new_hub(10, 0, NULL);
    join(&slow, HUB_FROM_END, 0);
    join(&quick, HUB_FROM_END, 0);
    say("0123456789");
    assert_string_equal(read_all(&quick), "0123456789");
    assert_int_equal(hub_reader_take_lost(slow.reader), 0);
    say("abc");
    assert_string_equal(read_all(&quick), "abc");
    assert_int_equal(hub_reader_take_lost(slow.reader), 3);
    assert_int_equal(hub_reader_take_lost(slow.reader), 0);

    /* In hand while the ring goes round: consumed, it is not lost. */
    hub_reader_peek(slow.reader, &bytes, &size);
    assert_int_equal(size, 7);
    say("ABCDE"); /* 3456789abc -> 89abcABCDE */
    assert_int_equal(hub_reader_take_lost(slow.reader), 0);
    hub_reader_consume(slow.reader, 2); /* 3 and 4; 5, 6 and 7 are gone */
    assert_string_equal(read_all(&slow), "89abcABCDE");
    assert_int_equal(hub_reader_take_lost(slow.reader), 3);

    /* In hand, but given back. */
    say("fgh");
    hub_reader_peek(slow.reader, &bytes, &size);
    assert_true(size > 0);
    say("0123456789");
    assert_string_equal(read_all(&slow), "0123456789");
    assert_int_equal(hub_reader_take_lost(slow.reader), 3);
    assert_string_equal(read_all(&quick), "0123456789");
    assert_int_equal(hub_reader_take_lost(quick.reader), 8);

    /* Lost twice before it asks. */
    say("0123");
    hub_reader_peek(slow.reader, &bytes, &size);
    say("4567890123");
    hub_reader_peek(slow.reader, &bytes, &size);
    hub_reader_consume(slow.reader, 0);
    say("456");
    assert_string_equal(read_all(&slow), "7890123456");
    assert_int_equal(hub_reader_take_lost(slow.reader), 7);
    leave(&slow);
    leave(&quick);
}

/* Random sizes and 100 readers of random speed: what each received and what it was told to have
 * lost add up, and every byte is the one that belongs at its position. */
static uint8_t byte_at(uint64_t position)
{
    return (uint8_t)((position * 2654435761U) >> 13);
}

static uint64_t read_some(struct hub_reader *reader, uint64_t position)
{
    const uint8_t *bytes;
    size_t size;

    hub_reader_peek(reader, &bytes, &size);
    position += hub_reader_take_lost(reader);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], byte_at(position + i));
    if (size > 0 && rand() % 3 == 0)
        size = (size_t)rand() % (size + 1);
    hub_reader_consume(reader, size);
    return position + size;
}

static void check_many_readers(size_t history_size)
{
    struct session readers[100];
    uint64_t positions[100] = {0}, said = 0;
    uint8_t bytes[3000];

    new_hub(history_size, 0, NULL);
    for (size_t i = 0; i < 100; i++)
        join(&readers[i], HUB_FROM_START, 0);
    for (unsigned round = 0; round < 60; round++) {
        size_t size = 1 + (size_t)rand() % (rand() % 4 ? 40 : sizeof bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] = byte_at(said + i);
        say_bytes(bytes, size);
        said += size;
        for (size_t i = 0; i < 100; i++) {
            if ((unsigned)rand() % 100 > i)
                positions[i] = read_some(readers[i].reader, positions[i]);
        }
    }
    for (size_t i = 0; i < 100; i++) {
        while (positions[i] < said)
            positions[i] = read_some(readers[i].reader, positions[i]);
        assert_int_equal(positions[i], said);
        assert_int_equal(hub_reader_position(readers[i].reader), said);
        assert_int_equal(readers[i].available, 60);
        leave(&readers[i]);
    }
    free_hub();
}

static void test_many_readers(void **state)
{
    (void)state;
    srand(7);
    for (size_t size = 1; size <= 20; size++)
        check_many_readers(size);
    check_many_readers(1024);
    check_many_readers(4096);
    check_many_readers(0);
}

/* ---- writers ---- */

static void test_writers_in_order(void **state)
{
    struct session a, b;

    (void)state;
    new_hub(0, 0, NULL);
    join(&a, HUB_FROM_END, 0);
    join(&b, HUB_FROM_END, 0);
    source.room = 2;
    assert_int_equal(type(&a, "ls\n"), 3);
    assert_int_equal(type(&b, "\033[A"), 3);
    assert_int_equal(type(&a, "id\n"), 3);
    assert_int_equal(type(&a, ""), 0);
    assert_typed(source, "ls");
    make_room(&source, 3);
    assert_typed(source, "ls\n\033[");
    leave(&b); /* what it typed stays */
    make_room(&source, 100);
    assert_typed(source, "ls\n\033[Aid\n");
    assert_int_equal(a.writable, 0); /* it never waited */
    leave(&a);
}

static void test_back_pressure(void **state)
{
    struct session a, b, c;

    (void)state;
    new_hub(0, 8, NULL);
    join(&a, HUB_FROM_END, 0);
    join(&b, HUB_FROM_END, 0);
    join(&c, HUB_FROM_END, 0);
    source.room = 1;
    assert_int_equal(type(&a, "aaaaaaaaAAAA"), 9);
    a.to_type = "AAA";
    assert_int_equal(type(&b, "bbb"), 0);
    b.to_type = "bbb";
    assert_int_equal(type(&c, "ccc"), 0);
    c.to_type = NULL;      /* loses interest */
    make_room(&source, 3); /* more than half is still there */
    assert_int_equal(a.writable, 0);
    assert_int_equal(type(&b, "bbb"), 0); /* there is room, but a has the next turn */
    make_room(&source, 1);
    assert_int_equal(a.writable, 1); /* it fits, and leaves one byte of room */
    assert_int_equal(a.typed, 3);
    assert_int_equal(b.writable, 0);
    make_room(&source, 3);
    assert_int_equal(b.writable, 1);
    assert_int_equal(b.typed, 3);
    assert_int_equal(c.writable, 0);
    make_room(&source, 1000);
    assert_int_equal(c.writable, 1);
    assert_typed(source, "aaaaaaaaAAAAbbb");
    assert_int_equal(type(&c, "c"), 1);
    assert_int_equal(a.writable + b.writable + c.writable, 3);
    leave(&a);
    leave(&b);
    leave(&c);
}

/* While one has the turn, another that writes waits for its own. */
static void test_turn_is_kept(void **state)
{
    struct session a, b;

    (void)state;
    new_hub(0, 8, NULL);
    join(&a, HUB_FROM_END, 0);
    join(&b, HUB_FROM_END, 0);
    source.room = 0;
    assert_int_equal(type(&a, "aaaaaaaaAA"), 8);
    a.other = &b;
    a.on_writable = TYPE_AS_OTHER;
    b.to_type = "b";
    make_room(&source, 1000);
    assert_int_equal(a.typed, 0);
    assert_int_equal(b.writable, 1);
    assert_typed(source, "aaaaaaaab");
    leave(&a);
    leave(&b);
}

/* More than the queue holds goes at once through a source that takes it. */
static void test_larger_than_the_queue(void **state)
{
    struct session a;

    (void)state;
    new_hub(0, 4, NULL);
    join(&a, HUB_FROM_END, 0);
    assert_int_equal(type(&a, "0123456789"), 10);
    assert_typed(source, "0123456789");
    leave(&a);
}

/* Five writers that keep typing lines into a narrow source, each line whole in the end. */
static void test_lines_stay_together(void **state)
{
    struct session writers[5];
    char lines[5][16];
    unsigned counts[5] = {0};

    (void)state;
    srand(11);
    new_hub(0, 7, NULL);
    source.room = 0;
    for (unsigned i = 0; i < 5; i++) {
        join(&writers[i], HUB_FROM_END, 0);
        snprintf(lines[i], sizeof lines[i], "<%c%.*s>", (char)('a' + i), (int)(2 * i),
                 "----------");
        writers[i].to_type = lines[i];
    }
    for (unsigned round = 0; round < 3000; round++) {
        struct session *writer = &writers[rand() % 5];
        char *line = lines[writer - writers];
        if (rand() % 2)
            make_room(&source, (size_t)rand() % 9);
        if (*writer->to_type == '\0') /* else the rest of a line that was begun */
            writer->to_type = line;
        ssize_t taken = type(writer, writer->to_type);
        assert_true(taken >= 0);
        writer->to_type += taken;
    }
    make_room(&source, 100);
    for (size_t at = 0; at + 16 < source.written_size;) {
        unsigned i = (unsigned)(source.written[at + 1] - 'a');
        assert_true(i < 5);
        assert_memory_equal(source.written + at, lines[i], strlen(lines[i]));
        at += strlen(lines[i]);
        counts[i]++;
    }
    for (unsigned i = 0; i < 5; i++) {
        assert_true(counts[i] > 20);
        leave(&writers[i]);
    }
}

/* What was typed before a hold has gone; what is typed during it waits, and none of it is lost. */
static void test_held_input(void **state)
{
    struct session a;

    (void)state;
    new_hub(0, 8, NULL);
    join(&a, HUB_FROM_END, 0);
    source.room = 100;
    assert_int_equal(type(&a, "x"), 1);
    hub_hold_input(hub);
    hub_hold_input(hub);
    assert_int_equal(type(&a, "h"), 1);
    assert_int_equal(type(&a, "12345678"), 7);
    a.to_type = "8";
    make_room(&source, 100);
    assert_typed(source, "x");
    hub_release_input(hub);
    assert_typed(source, "x");
    hub_release_input(hub);
    assert_int_equal(a.writable, 1);
    assert_typed(source, "xh12345678");
    leave(&a);
}

static int send_break(void *context)
{
    ++*(unsigned *)context;
    return -EIO;
}

static void test_break(void **state)
{
    unsigned count = 0;

    (void)state;
    new_hub(0, 0, NULL);
    assert_int_equal(hub_send_break(hub), -ENOTSUP);
    hub_set_break(hub, send_break, &count);
    assert_int_equal(hub_send_break(hub), -EIO);
    assert_int_equal(count, 1);
    hub_set_break(hub, NULL, NULL);
    assert_int_equal(hub_send_break(hub), -ENOTSUP);
}

/* ---- the source ---- */

static void test_source_lost_and_back(void **state)
{
    struct session a, b;

    (void)state;
    new_hub(0, 4, NULL);
    join(&a, HUB_FROM_END, 0);
    join(&b, HUB_FROM_END, 0);
    assert_true(hub_is_connected(hub));
    say("up");
    source.room = 0;
    assert_int_equal(type(&a, "reboot"), 4);
    assert_int_equal(type(&b, "x"), 0);
    a.to_type = b.to_type = "rest";
    stream_report_state(&source.stream, STREAM_DISCONNECTED, "QEMU is gone");
    stream_report_state(&source.stream, STREAM_DISCONNECTED, "QEMU is gone");
    stream_report_state(&source.stream, STREAM_DISCONNECTED, "refused");
    assert_false(hub_is_connected(hub));
    assert_string_equal(hub_source_text(hub), "refused");
    assert_int_equal(a.writable, 1);
    assert_int_equal(a.typed, -ENOTCONN);
    assert_int_equal(b.typed, -ENOTCONN);
    source.room = 100;
    stream_report_state(&source.stream, STREAM_CONNECTED, "web01");
    assert_typed(source, ""); /* the new guest does not get "rebo" */
    assert_int_equal(type(&b, "y"), 1);
    assert_typed(source, "y");
    stream_report_state(&source.stream, STREAM_TAKEN_OVER, "virsh");
    assert_string_equal(a.notices, "1@2:QEMU is gone 1@2:refused 0@2:web01 2@2:virsh ");
    assert_string_equal(b.notices, a.notices);
    leave(&a);
    leave(&b);
}

/* A notice is written to terminals, and names of users and libvirt's words are in it. */
static void test_hostile_notice(void **state)
{
    struct session a;
    char text[2000];

    (void)state;
    new_hub(0, 0, NULL);
    join(&a, HUB_FROM_END, 0);
    *a.notices = '\0';
    hub_notify(hub, HUB_NOTICE_PEOPLE, "a\r\nb\x1b[2J\x9b came");
    assert_string_equal(a.notices, "6@0:a??b?[2J? came ");
    memset(text, 'n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    *a.notices = '\0';
    hub_notify(hub, HUB_NOTICE_PEOPLE, text);
    assert_int_equal(strspn(a.notices + 4, "n"), 511);
    leave(&a);
}

static void test_attach_and_detach(void **state)
{
    struct session a;

    (void)state;
    new_hub(0, 0, NULL);
    join(&a, HUB_FROM_END, 0);
    say("before ");
    hub_notify(hub, HUB_NOTICE_GUEST_OFF, "");
    hub_detach(hub, "the guest is off");
    assert_true(source.closed);
    assert_false(hub_has_source(hub));
    say("(from a closed one)"); /* goes nowhere */
    hub_detach(hub, "again");
    assert_int_equal(type(&a, "x"), -ENOTCONN);
    assert_string_equal(hub_source_text(hub), "the guest is off");
    fake_init(&source);
    hub_attach(hub, &source.stream);
    assert_true(source.opened);
    assert_true(hub_has_source(hub));
    assert_false(hub_is_connected(hub));
    connect_source(&source);
    say("after");
    hub_attach(hub, &second.stream); /* takes the place */
    assert_true(source.closed && second.opened);
    connect_source(&second);
    assert_int_equal(type(&a, "z"), 1);
    assert_typed(second, "z");
    assert_string_equal(a.notices, "4@7: 1@7:the guest is off 0@7:there "
                                   "1@12:another source takes its place 0@12:there ");
    assert_string_equal(read_all(&a), "before after");
    leave(&a);
}

/* What it still says is taken, nothing is typed into it, and its end is the end. */
static void test_source_let_end(void **state)
{
    struct session a;

    (void)state;
    new_hub(0, 4, NULL);
    join(&a, HUB_FROM_END, 0);
    source.room = 0;
    assert_int_equal(type(&a, "typed"), 4);
    a.to_type = "rest";
    hub_let_end(hub, "it left");
    assert_int_equal(a.typed, -ENOTCONN);
    assert_int_equal(type(&a, "x"), -ENOTCONN);
    source.room = 100;
    stream_report_writable(&source.stream);
    assert_typed(source, "");
    assert_false(hub_has_source(hub));
    assert_false(hub_is_connected(hub));
    say("its last words");
    assert_false(source.closed);
    stream_report_state(&source.stream, STREAM_DISCONNECTED, "QEMU is gone");
    assert_true(source.closed);
    assert_string_equal(hub_source_text(hub), "it left");
    assert_string_equal(a.notices, "1@14:it left ");
    assert_string_equal(read_all(&a), "its last words");
    hub_let_end(hub, "nothing there");
    fake_init(&source);
    hub_attach(hub, &source.stream);
    hub_let_end(hub, "not connected");
    assert_true(source.closed);
    fake_init(&source);
    hub_attach(hub, &source.stream);
    connect_source(&source);
    hub_let_end(hub, "it left again");
    hub_attach(hub, &second.stream);
    assert_true(source.closed);
    connect_source(&second);
    assert_true(hub_has_source(hub));
    assert_int_equal(type(&a, "y"), 1);
    assert_typed(second, "y");
    assert_string_equal(a.notices, "1@14:it left 0@14:there 1@14:it left again 0@14:there ");
    leave(&a);
}

static void test_failing_write(void **state)
{
    struct session a;

    (void)state;
    new_hub(0, 4, NULL);
    join(&a, HUB_FROM_END, 0);
    source.fails = true;
    assert_int_equal(type(&a, "0123456789"), -ENOTCONN);
    source.fails = false;
    source.room = 0;
    assert_int_equal(type(&a, "0123456789"), 4);
    source.fails = true;
    make_room(&source, 1);
    stream_report_state(&source.stream, STREAM_DISCONNECTED, "broken");
    assert_typed(source, "");
    leave(&a);
}

/* ---- freeing ---- */

static void test_hub_freed_with_readers(void **state)
{
    struct session a, b;
    const uint8_t *bytes;
    size_t size;

    (void)state;
    new_hub(4, 0, NULL);
    join(&a, HUB_FROM_END, 0);
    join(&b, HUB_FROM_END, 0);
    say("abcdef");
    b.on_closed = FREE_MYSELF;
    free_hub();
    assert_true(source.closed);
    assert_int_equal(a.closed, 1);
    assert_int_equal(b.closed, 1);
    assert_null(b.reader);
    hub_reader_peek(a.reader, &bytes, &size);
    assert_int_equal(size, 0);
    hub_reader_consume(a.reader, 0);
    hub_reader_take_lost(a.reader);
    assert_int_equal(hub_reader_pending(a.reader), 0);
    assert_int_equal(type(&a, "x"), -EPIPE);
    leave(&a);
    hub_free(NULL);
    hub_reader_free(NULL);
    hub_writer_free(NULL);
}

/* Three sessions, the middle one does `what` in the callback for each kind of event. */
static void free_in_callback(enum what what, unsigned kind)
{
    struct session sessions[3];

    new_hub(0, 2, NULL);
    added = NULL;
    added_calls = 0;
    for (size_t i = 0; i < 3; i++) {
        join(&sessions[i], HUB_FROM_END, 0);
        sessions[i].other = &sessions[2];
    }
    if (kind == 0) {
        sessions[1].on_available = what;
        say("x");
    } else if (kind == 1) {
        sessions[1].on_notice = what;
        hub_notify(hub, HUB_NOTICE_GUEST_RESET, "");
    } else if (kind == 2) {
        sessions[1].on_writable = what;
        source.room = 0;
        assert_int_equal(type(&sessions[0], "0123"), 2);
        assert_int_equal(type(&sessions[1], "0123"), 0);
        assert_int_equal(type(&sessions[2], "0123"), 0);
        make_room(&source, 100);
        assert_int_equal(sessions[1].writable, 1);
    } else if (kind == 3) { /* in the notice of the hub's own, with the stream below on the stack */
        sessions[1].on_notice = what;
        stream_report_state(&source.stream, STREAM_DISCONNECTED, "gone");
    } else {
        sessions[1].on_notice = what;
        hub_attach(hub, &second.stream);
        if (what == FREE_HUB || what == FREE_ALL)
            assert_true(second.closed);
    }
    if (hub) {
        assert_int_equal(hub_count_readers(hub),
                         3 - !sessions[1].reader - !sessions[2].reader + (added != NULL));
        assert_int_equal(added_calls, 0); /* it came after what it was made in */
        hub_notify(hub, HUB_NOTICE_MESSAGE, "still works");
        assert_int_equal(added_calls, added != NULL);
    }
    if (what == FREE_OTHER && kind != 2)
        assert_int_equal(sessions[2].available + strlen(sessions[2].notices), 0);
    for (size_t i = 0; i < 3; i++) {
        if (what == FREE_HUB)
            assert_int_equal(sessions[i].closed, 1);
        leave(&sessions[i]);
    }
    hub_reader_free(added);
    free_hub();
}

static void test_free_in_callbacks(void **state)
{
    static const enum what whats[] = {FREE_MYSELF, FREE_OTHER, FREE_HUB, NEW_READER, FREE_ALL};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(whats); i++) {
        for (unsigned kind = 0; kind < 5; kind++)
            free_in_callback(whats[i], kind);
    }
}

/* ---- the history on disk ---- */

static void test_restart_with_history(void **state)
{
    char path[] = "/tmp/test_hub.XXXXXX";
    struct session a;
    int fd = mkstemp(path);
    FILE *file;

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    unlink(path);
    new_hub(32, 0, path);
    say("Kernel panic - not syncing\n");
    say("---[ end\n");
    free_hub();
    new_hub(32, 0, path);
    assert_int_equal(hub_last_received_ms(hub), 0);
    join(&a, HUB_FROM_START, 0);
    assert_int_equal(hub_reader_position(a.reader), 4);
    assert_string_equal(read_all(&a), "el panic - not syncing\n---[ end\n");
    leave(&a);
    join(&a, HUB_FROM_LINES, 1);
    say("SeaBIOS\n");
    assert_string_equal(read_all(&a), "---[ end\nSeaBIOS\n");
    leave(&a);
    free_hub();
    assert_true(disk_settle(DISK_STATE, NULL, 10000));

    file = fopen(path, "w");
    assert_non_null(file);
    fputs("damaged", file);
    fclose(file);
    new_hub(32, 0, path);
    assert_int_equal(hub_history_length(hub), 0);
    assert_true(disk_flush(DISK_STATE, 10000));
    unlink(path);
}

static void test_defaults(void **state)
{
    struct hub_options options = {.history_file = ""};
    static uint8_t bytes[HUB_HISTORY_SIZE + 1];

    (void)state;
    assert_int_equal(hub_new(&options, &hub), -EINVAL);
    assert_null(hub);
    assert_int_equal(hub_new(NULL, &hub), 0);
    assert_int_equal(hub_is_connected(hub), false);
    assert_string_equal(hub_source_text(hub), "");
    fake_init(&source);
    hub_attach(hub, &source.stream);
    stream_report_received(&source.stream, bytes, sizeof bytes);
    assert_int_equal(hub_history_length(hub), HUB_HISTORY_SIZE);
    assert_true(hub_last_received_ms(hub) > UINT64_C(1500000000000));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_teardown(function, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_where_readers_begin),
        TEST(test_slow_reader),
        TEST(test_many_readers),
        TEST(test_writers_in_order),
        TEST(test_back_pressure),
        TEST(test_turn_is_kept),
        TEST(test_larger_than_the_queue),
        TEST(test_lines_stay_together),
        TEST(test_held_input),
        TEST(test_break),
        TEST(test_source_lost_and_back),
        TEST(test_hostile_notice),
        TEST(test_attach_and_detach),
        TEST(test_source_let_end),
        TEST(test_failing_write),
        TEST(test_hub_freed_with_readers),
        TEST(test_free_in_callbacks),
        TEST(test_restart_with_history),
        TEST(test_defaults),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
