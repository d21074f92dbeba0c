/* Memory for passwords: locked, zeroed, and ordinary memory where there is no more of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "vbmc/base/locked.h"
#include "vbmc/base/locked_range.h"

#define BLOCK 2048

static unsigned long locked_kib(void)
{
    unsigned long kib = 0;
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");

    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmLck: %lu", &kib) == 1)
            break;
    }
    fclose(file);
    return kib;
}

/* Of the mapping in which the caller's variables are. */
static bool is_stack_locked(void)
{
    unsigned long first, last, locked = 0;
    bool is_here = false;
    char line[256];
    FILE *file = fopen("/proc/self/smaps", "r");

    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
            is_here = (uintptr_t)line >= first && (uintptr_t)line < last;
        else if (is_here && sscanf(line, "Locked: %lu", &locked) == 1 && locked > 0)
            break;
    }
    fclose(file);
    return locked > 0;
}

/* AddressSanitizer's mlock() does nothing. */
static bool locks(void)
{
#ifdef __SANITIZE_ADDRESS__
    return false;
#else
    return true;
#endif
}

static void assert_zero(const char *memory, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(memory[i], 0);
}

static void test_without_a_range(void **state)
{
    (void)state;
    char *memory = locked_calloc(2, 10);
    assert_zero(memory, 20);
    assert_false(CRYPTO_secure_allocated(memory));
    locked_free(memory, 20);
    locked_free(NULL, 0);
    assert_null(locked_calloc(SIZE_MAX / 2, 3));
}

/* All of it, and more: what is given back is there again. */
static void test_range(void **state)
{
    struct rlimit limit = {160 << 10, 160 << 10}; /* with the stack's */
    char *blocks[64];
    size_t locked = 0;
    char *of_before = locked_calloc(1, BLOCK);

    (void)state;
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    assert_int_equal(locked_begin(), 0);
    if (locks()) {
        assert_in_range(locked_kib(), 128, 160);
        assert_true(is_stack_locked());
    }
    for (int round = 0; round < 2; round++) {
        size_t count = 0;
        for (size_t i = 0; i < 64; i++) {
            blocks[i] = locked_calloc(1, BLOCK);
            assert_non_null(blocks[i]);
            assert_zero(blocks[i], BLOCK);
            memset(blocks[i], 'p', BLOCK);
            count += (size_t)CRYPTO_secure_allocated(blocks[i]);
        }
        assert_in_range(count, 16, 32);
        assert_true(round == 0 || count == locked);
        locked = count;
        for (size_t i = 0; i < 64; i++)
            locked_free(blocks[i], BLOCK);
    }
    locked_free(of_before, BLOCK);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_range),
        cmocka_unit_test(test_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
