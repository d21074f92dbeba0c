#include "vbmc/base/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/hash.h"

int endpoint_address_parse(const char *text, uint16_t port, union endpoint_address *address)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &address->in.sin_addr) == 1) {
        address->in.sin_family = AF_INET;
        address->in.sin_port = htons(port);
        return 0;
    }
    if (inet_pton(AF_INET6, text, &address->in6.sin6_addr) == 1) {
        address->in6.sin6_family = AF_INET6;
        address->in6.sin6_port = htons(port);
        return 0;
    }
    return -EINVAL;
}

void endpoint_address_format_host(const union endpoint_address *address,
                                  char text[ENDPOINT_TEXT_SIZE])
{
    const uint8_t *v4 = endpoint_address_v4(address);

    snprintf(text, ENDPOINT_TEXT_SIZE, "unknown");
    if (v4)
        inet_ntop(AF_INET, v4, text, ENDPOINT_TEXT_SIZE);
    else if (address->any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &address->in6.sin6_addr, text, ENDPOINT_TEXT_SIZE);
}

void endpoint_address_format(const union endpoint_address *address, char text[ENDPOINT_TEXT_SIZE])
{
    char host[ENDPOINT_TEXT_SIZE];
    bool is_v4 = endpoint_address_v4(address) != NULL;
    bool has_brackets = !is_v4 && address->any.sa_family == AF_INET6;

    endpoint_address_format_host(address, host);
    if (!is_v4 && !has_brackets)
        snprintf(text, ENDPOINT_TEXT_SIZE, "%s", host);
    else
        snprintf(text, ENDPOINT_TEXT_SIZE, "%s%.45s%s:%u", has_brackets ? "[" : "", host,
                 has_brackets ? "]" : "", endpoint_address_port(address));
}

uint16_t endpoint_address_port(const union endpoint_address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return ntohs(address->in.sin_port);
    case AF_INET6:
        return ntohs(address->in6.sin6_port);
    default:
        return 0;
    }
}

void endpoint_address_set_port(union endpoint_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET)
        address->in.sin_port = htons(port);
    else if (address->any.sa_family == AF_INET6)
        address->in6.sin6_port = htons(port);
}

const uint8_t *endpoint_address_v4(const union endpoint_address *address)
{
    if (address->any.sa_family == AF_INET)
        return (const uint8_t *)&address->in.sin_addr;
    if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
        return address->in6.sin6_addr.s6_addr + 12;
    return NULL;
}

uint64_t endpoint_source(const union endpoint_address *address)
{
    const uint8_t *bytes = endpoint_address_v4(address);
    uint32_t v4;
    uint64_t v6;

    if (bytes) {
        memcpy(&v4, bytes, sizeof v4);
        return v4;
    }
    memcpy(&v6, address->in6.sin6_addr.s6_addr, sizeof v6);
    return v6;
}

/* The finaliser of SplitMix64 over the keyed source. */
uint64_t endpoint_source_hash(const union endpoint_address *address, uint64_t key)
{
    uint64_t x = endpoint_source(address) ^ key;

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

socklen_t endpoint_address_size(const union endpoint_address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return sizeof address->in;
    case AF_INET6:
        return sizeof address->in6;
    default:
        return 0;
    }
}

bool endpoint_address_is_same(const union endpoint_address *a, const union endpoint_address *b)
{
    const uint8_t *a4 = endpoint_address_v4(a), *b4 = endpoint_address_v4(b);

    if (a4 || b4)
        return a4 && b4 && memcmp(a4, b4, 4) == 0;
    return a->any.sa_family == AF_INET6 && b->any.sa_family == AF_INET6 &&
           memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0;
}

uint64_t endpoint_address_hash(const union endpoint_address *address)
{
    const uint8_t *v4 = endpoint_address_v4(address);

    if (v4)
        return hash_bytes(HASH_BEGIN, v4, 4);
    if (address->any.sa_family == AF_INET6)
        return hash_bytes(HASH_BEGIN, &address->in6.sin6_addr, sizeof address->in6.sin6_addr);
    return HASH_BEGIN;
}
