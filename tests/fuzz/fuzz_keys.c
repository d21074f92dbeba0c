/* libFuzzer target: files of keys: authorized_keys and known_hosts.
 *
 * Files: sol/ssh/keys.c vbmc/ssh/known_hosts.c vbmc/ssh/known_hosts_entry.c
 *
 * The input is a byte that says which of the two it is, and the file. The key of a connected
 * session is not looked at here: libssh has it from the other end. */
#include <fcntl.h>
#include <libssh/libssh.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sol/ssh/keys.h"
#include "tests/fuzz/fuzz.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/ssh/known_hosts.h"
#include "vbmc/ssh/known_hosts_entry.h"
#include "vbmc/ssh/uri.h"

/* libssh 0.10 loses the entries that stand before a malformed line of the same host. */
const char *__lsan_default_suppressions(void); // NOLINT(bugprone-reserved-identifier)
const char *__lsan_default_suppressions(void)  // NOLINT(bugprone-reserved-identifier)
{
    return "leak:ssh_known_hosts_parse_line";
}

static void read_authorized_keys(const uint8_t *bytes, size_t size)
{
    CLEANUP_FREE char *text = fuzz_text(bytes, size);
    struct ssh_keys *keys = ssh_keys_parse(text, "fuzz");
    struct ssh_keys *same = ssh_keys_parse(text, "fuzz");
    struct ssh_key_hash none = {{0}};

    fuzz_require(keys && same && ssh_keys_equal(keys, same));
    fuzz_require(!ssh_keys_contain(keys, &none));
    ssh_keys_free(keys);
    ssh_keys_free(same);
}

static void ask(const char *text, const char *key_base64)
{
    struct ssh_uri uri;
    char error[512];
    ssh_key key = NULL;

    fuzz_require(ssh_uri_parse(text, &uri, error, sizeof error) == 0);
    *error = '\0';
    int result = ssh_known_hosts_find(&uri, error, sizeof error);
    fuzz_require((result == 0) == (*error == '\0'));
    if (ssh_pki_import_pubkey_base64(key_base64, SSH_KEYTYPE_ED25519, &key) == SSH_OK)
        ssh_known_hosts_check_revoked(&uri, key, "a key", error, sizeof error);
    ssh_key_free(key);
    ssh_uri_clear(&uri);
}

/* libssh reads files, not bytes. */
static void read_known_hosts(const uint8_t *bytes, size_t size)
{
    static const char key[] =
        "AAAAC3NzaC1lZDI1NTE5AAAAIJ8z0Kx4l4mO3Cq7kqk0wVQ8nYxM9C0Jq0Y1m0Zp7b5Q";
    CLEANUP_CLOSE int fd = memfd_create("known_hosts", MFD_CLOEXEC);
    char text[128];

    fuzz_require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    snprintf(text, sizeof text, "qemu+ssh://root@host/system?known_hosts=/proc/self/fd/%d", fd);
    ask(text, key);
    snprintf(text, sizeof text, "qemu+ssh://[::1]:2222/system?known_hosts=/proc/self/fd/%d", fd);
    ask(text, key);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    log_set_level(LOG_LEVEL_ERROR);
    if (bytes[0] % 2 == 0)
        read_authorized_keys(bytes + 1, size - 1);
    else
        read_known_hosts(bytes + 1, size - 1);
    return 0;
}
