/* libFuzzer target: texts that say where something is: URIs of hypervisors, addresses, UUIDs, MAC
 * addresses. They come from the configuration, from files of OpenStack's tool and from requests.
 *
 * Files: vbmc/ssh/uri.c vbmc/base/hypervisor_uri.c vbmc/base/endpoint.c vbmc/base/uuid.c */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/base/uuid.h"
#include "vbmc/domxml/hardware.h"
#include "vbmc/ssh/uri.h"

static void read_ssh(const char *text)
{
    struct ssh_uri uri;
    char error[256] = "", name[512], path[4096];

    int result = ssh_uri_parse(text, &uri, error, sizeof error);
    fuzz_require(result < 0 || ssh_uri_is(text));
    if (result < 0)
        return;
    fuzz_require(uri.host && *uri.host && uri.port && uri.socket && *uri.socket == '/');
    ssh_uri_host_port(&uri, name, sizeof name);
    ssh_uri_known_hosts(&uri, path, sizeof path);
    ssh_uri_clear(&uri);
}

static void read_address(const char *text)
{
    union endpoint_address address, again;
    char shown[ENDPOINT_TEXT_SIZE];

    if (endpoint_address_parse(text, 623, &address) < 0)
        return;
    endpoint_address_format(&address, shown);
    endpoint_address_format_host(&address, shown);
    /* A scope is not shown. */
    if (!strchr(text, '%')) {
        fuzz_require(endpoint_address_parse(shown, 623, &again) == 0);
        fuzz_require(endpoint_address_is_same(&address, &again));
        fuzz_require(endpoint_address_hash(&address) == endpoint_address_hash(&again));
        fuzz_require(endpoint_source(&address) == endpoint_source(&again));
        fuzz_require(endpoint_source_hash(&address, 7) == endpoint_source_hash(&again, 7));
    }
    endpoint_address_set_port(&address, 1);
    fuzz_require(endpoint_address_port(&address) == 1);
    endpoint_address_v4(&address);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP_FREE char *text = fuzz_text(bytes, size);
    struct uuid uuid, same;
    char shown[UUID_TEXT_SIZE];
    uint8_t mac[6];

    read_ssh(text);
    read_address(text);
    hypervisor_uri_is_local(text);
    hypervisor_uri_is_qemu(text);
    CLEANUP_FREE char *root = hypervisor_uri_embedded_root(text);
    fuzz_require(!root || (*root == '/' && hypervisor_uri_is_embedded(text)));
    domxml_parse_mac(text, mac);
    if (uuid_parse(text, &uuid) == 0) {
        uuid_format(&uuid, shown);
        fuzz_require(uuid_parse(shown, &same) == 0 && uuid_equal(&uuid, &same));
    }
    return 0;
}
