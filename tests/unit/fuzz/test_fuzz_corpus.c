/* The inputs of all fuzz targets, once more: each target of tests/fuzz with the files of its
 * corpus. What fuzzing has found stays mended; the target's own checks hold. The name of each input
 * is printed first, so that the last one in the log is the one that failed.
 *
 * Usage: test_fuzz_corpus [TARGET [FILE...]]     one target; with these inputs instead of its
 * corpus */
#include <dlfcn.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/cleanup.h"

#define INPUT_MAX   (1024 * 1024)
#define TARGETS_MAX 64

typedef int target_fn(const uint8_t *bytes, size_t size);

/* Found by its name, as the Makefile has it (fuzz.h). */
static target_fn *find_target(const char *name)
{
    char symbol[64];
    target_fn *target;

    snprintf(symbol, sizeof symbol, "fuzz_%s", name);
    *(void **)&target = dlsym(RTLD_DEFAULT, symbol);
    if (!target)
        fail_msg("no target %s is linked in", name);
    return target;
}

static void replay(target_fn *target, const char *path)
{
    CLEANUP_FREE uint8_t *whole = malloc(INPUT_MAX);
    FILE *file = fopen(path, "re");

    puts(path);
    fflush(stdout);
    assert_non_null(file);
    size_t size = fread(whole, 1, INPUT_MAX, file);
    fclose(file);
    uint8_t *exact = malloc(size ? size : 1); /* a read behind it is seen, with a sanitizer */
    memcpy(exact, whole, size);
    assert_int_equal(target(exact, size), 0);
    free(exact);
}

static void test_corpus(void **state)
{
    const char *name = *state;
    target_fn *target = find_target(name);
    char pattern[128];
    glob_t inputs;

    snprintf(pattern, sizeof pattern, "tests/fuzz/corpus/%s/*", name);
    assert_int_equal(glob(pattern, 0, NULL, &inputs), 0); /* each target has some */
    for (size_t i = 0; i < inputs.gl_pathc; i++)
        replay(target, inputs.gl_pathv[i]);
    globfree(&inputs);
}

/* "sol" of "tests/fuzz/fuzz_sol.c". */
static char *name_of_source(const char *path)
{
    const char *name = strstr(path, "fuzz_") + strlen("fuzz_");

    return strndup(name, strcspn(name, "."));
}

static int run_all(const char *only)
{
    struct CMUnitTest tests[TARGETS_MAX] = {{0}};
    size_t count = 0;
    glob_t sources;

    if (glob("tests/fuzz/fuzz_*.c", 0, NULL, &sources) != 0)
        return 1;
    for (size_t i = 0; i < sources.gl_pathc && count < TARGETS_MAX; i++) {
        char *name = name_of_source(sources.gl_pathv[i]);
        if (only && strcmp(only, name) != 0) {
            free(name);
            continue;
        }
        tests[count++] =
            (struct CMUnitTest){.name = name, .test_func = test_corpus, .initial_state = name};
    }
    globfree(&sources);
    int result = count ? _cmocka_run_group_tests("fuzz corpora", tests, count, NULL, NULL) : 1;
    for (size_t i = 0; i < count; i++)
        free((char *)tests[i].name);
    return result;
}

int main(int argc, char **argv)
{
    if (argc <= 2)
        return run_all(argv[1]);
    for (int i = 2; i < argc; i++)
        replay(find_target(argv[1]), argv[i]);
    return 0;
}
