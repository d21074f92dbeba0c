/* Which sensors there are: by sockets and PSUs counted, by disks and NICs in the bay that each has
 * for the life of the domain. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors_internal.h"
#include "vbmc/host/host.h"

/* ---- counted ones ---- */

static bool set_exists(struct sensors *sensors, uint8_t number, bool exists)
{
    struct sensor *sensor = sensors_made(sensors, number);

    if (!exists) {
        if (!sensor || !sensor->exists)
            return false;
        sensor->exists = sensors->knows_faults = false;
        return true;
    }
    if (sensor && sensor->exists)
        return false;
    sensor = sensors_make(sensors, number);
    if (!sensor)
        return false; /* without memory the server lacks it */
    sensor_forget(sensor);
    sensor->exists = true;
    sensors->knows_faults = false;
    return true;
}

static bool set_count(struct sensors *sensors, enum sensor_per per, unsigned count)
{
    bool changed = false;

    for (size_t i = 0; i < sensor_table_count; i++) {
        const struct sensor_definition *definition = &sensor_table[i];
        if (definition->per != per)
            continue;
        for (unsigned n = 0; n < definition->count; n++)
            changed |= set_exists(sensors, (uint8_t)(definition->number + n), n < count);
    }
    return changed;
}

/* Scales go by them. */
static bool set_sockets(struct sensors *sensors, unsigned sockets)
{
    bool changed = sensors->sockets != sockets;

    sensors->sockets = sockets;
    return changed;
}

/* ---- bays ---- */

#define BAYS_LEAST 2 /* HOST_DISKS_MAX and HOST_NICS_MAX are that, doubled some times */

struct bays {
    enum sensor_per per;
    uint8_t first; /* sensor number */
    struct sensor_slot *slots;
    unsigned count;
};

static struct bays disk_bays(struct sensors *sensors)
{
    return (struct bays){SENSOR_PER_DISK, SENSOR_DISK, sensors->disks.slots, sensors->disks.count};
}

static struct bays nic_bays(struct sensors *sensors)
{
    return (struct bays){SENSOR_PER_NIC, SENSOR_NIC, sensors->nics.slots, sensors->nics.count};
}

static struct bays bays_of(struct sensors *sensors, uint8_t number)
{
    return number >= SENSOR_NIC ? nic_bays(sensors) : disk_bays(sensors);
}

/* Has the row so many bays, but not more than there can be. Without memory it has those of before.
 */
static void make_bays(struct sensor_row *row, unsigned wanted, unsigned most)
{
    unsigned count = row->count ? row->count : BAYS_LEAST;

    while (count < wanted && count < most)
        count *= 2;
    if (wanted == 0 || count == row->count)
        return;
    struct sensor_slot *grown = realloc(row->slots, count * sizeof *grown);
    if (!grown)
        return;
    memset(grown + row->count, 0, (count - row->count) * sizeof *grown);
    row->slots = grown;
    row->count = count;
}

static unsigned count_used(const struct sensor_row *row)
{
    unsigned used = 0;

    for (unsigned i = 0; i < row->count; i++)
        used += row->slots[i].key[0] != '\0';
    return used;
}

static struct sensor_slot *find_key(const struct bays *bays, const char *key)
{
    for (unsigned i = 0; i < bays->count; i++)
        if (strcmp(bays->slots[i].key, key) == 0)
            return &bays->slots[i];
    return NULL;
}

/* The first that was never used; when all were, the first one that is empty. */
static struct sensor_slot *find_free(const struct bays *bays)
{
    for (unsigned i = 0; i < bays->count; i++)
        if (!bays->slots[i].key[0])
            return &bays->slots[i];
    for (unsigned i = 0; i < bays->count; i++)
        if (!bays->slots[i].is_filled)
            return &bays->slots[i];
    return NULL;
}

static void name_disk(struct sensor_slot *slot)
{
    snprintf(slot->name, sizeof slot->name, "Disk %.11s", slot->key);
}

struct arrivals {
    const char (*keys)[sizeof((struct sensors_slot *)0)->key];
    unsigned count;
};

static bool is_among(const struct arrivals *arrivals, const char *key)
{
    for (unsigned i = 0; i < arrivals->count; i++)
        if (strcmp(arrivals->keys[i], key) == 0)
            return true;
    return false;
}

/* A disk that is put in while the server is known gets into an empty slot first, so that its
 * presence is an event. */
static bool show_slot(struct sensors *sensors, const struct bays *bays, unsigned n, bool is_new)
{
    uint8_t number = (uint8_t)(bays->first + n);
    bool came = set_exists(sensors, number, true);
    struct sensor *sensor = sensors_find(sensors, number);

    if (!sensor)
        return false;
    if (is_new)
        name_disk(&bays->slots[n]);
    if (!bays->slots[n].is_filled || (came && sensors->knows_hardware && is_new))
        sensor_show_empty(sensors, sensor);
    return came || is_new;
}

static bool fill_bays(struct sensors *sensors, const struct bays *bays,
                      const struct arrivals *arrivals)
{
    bool is_new[HOST_DISKS_MAX] = {false}, changed = false;

    _Static_assert(HOST_NICS_MAX <= HOST_DISKS_MAX, "one array for both");
    for (unsigned i = 0; i < bays->count; i++)
        bays->slots[i].is_filled =
            bays->slots[i].key[0] != '\0' && is_among(arrivals, bays->slots[i].key);
    for (unsigned i = 0; i < arrivals->count; i++) {
        struct sensor_slot *slot = find_key(bays, arrivals->keys[i]);
        if (!slot)
            slot = find_free(bays);
        if (!slot || slot->is_filled)
            continue;
        memcpy(slot->key, arrivals->keys[i], sizeof slot->key);
        slot->is_filled = is_new[slot - bays->slots] = true;
    }
    for (unsigned i = 0; i < bays->count; i++)
        if (bays->slots[i].key[0])
            changed |= show_slot(sensors, bays, i, is_new[i]);
    return changed;
}

static void format_mac(char *text, size_t size, const uint8_t mac[6])
{
    snprintf(text, size, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
}

static bool fill_disks(struct sensors *sensors, const struct host_hardware *hardware)
{
    char keys[HOST_DISKS_MAX][sizeof((struct sensors_slot *)0)->key] = {{0}};
    struct arrivals arrivals = {.keys = (const char(*)[sizeof keys[0]])keys};

    for (unsigned i = 0; i < hardware->disk_count && i < HOST_DISKS_MAX; i++) {
        const struct host_disk *disk = &hardware->disks[i];
        if (!disk->is_removable && disk->target[0])
            snprintf(keys[arrivals.count++], sizeof keys[0], "%s", disk->target);
    }
    make_bays(&sensors->disks, count_used(&sensors->disks) + arrivals.count, HOST_DISKS_MAX);
    const struct bays bays = disk_bays(sensors);
    return fill_bays(sensors, &bays, &arrivals);
}

static bool fill_nics(struct sensors *sensors, const struct host_hardware *hardware)
{
    char keys[HOST_NICS_MAX][sizeof((struct sensors_slot *)0)->key] = {{0}};
    struct arrivals arrivals = {.keys = (const char(*)[sizeof keys[0]])keys};

    for (unsigned i = 0; i < hardware->nic_count && i < HOST_NICS_MAX; i++)
        format_mac(keys[arrivals.count++], sizeof keys[0], host_hardware_nic(hardware, i)->mac);
    make_bays(&sensors->nics, count_used(&sensors->nics) + arrivals.count, HOST_NICS_MAX);
    const struct bays bays = nic_bays(sensors);
    return fill_bays(sensors, &bays, &arrivals);
}

bool sensors_set_hardware(struct sensors *sensors, const struct host_hardware *hardware,
                          unsigned psus)
{
    bool changed = set_count(sensors, SENSOR_PER_PSU, psus);

    if (hardware) {
        unsigned sockets = hardware->sockets ? hardware->sockets : 1;
        changed |= set_count(sensors, SENSOR_PER_SOCKET, sockets);
        changed |= set_sockets(sensors, sockets < HOST_SOCKETS_MAX ? sockets : HOST_SOCKETS_MAX);
        changed |= fill_disks(sensors, hardware);
        changed |= fill_nics(sensors, hardware);
        sensors->knows_hardware = true;
    }
    return changed;
}

/* ---- who is where ---- */

static uint8_t find_filled(const struct bays *bays, const char *key)
{
    const struct sensor_slot *slot = find_key(bays, key);

    return slot && slot->is_filled ? (uint8_t)(bays->first + (slot - bays->slots)) : 0;
}

uint8_t sensors_find_disk(const struct sensors *sensors, const char *target)
{
    /* Read only: nothing is written through it. */
    const struct bays bays = disk_bays((struct sensors *)sensors);

    return target[0] ? find_filled(&bays, target) : 0;
}

uint8_t sensors_find_nic(const struct sensors *sensors, const uint8_t mac[6])
{
    char key[sizeof((struct sensors_slot *)0)->key];
    const struct bays bays = nic_bays((struct sensors *)sensors);

    format_mac(key, sizeof key, mac);
    return find_filled(&bays, key);
}

int sensors_slot(const struct sensors *sensors, unsigned n, struct sensors_slot *slot)
{
    const struct bays all[] = {disk_bays((struct sensors *)sensors),
                               nic_bays((struct sensors *)sensors)};

    for (size_t b = 0; b < ARRAY_SIZE(all); b++) {
        for (unsigned i = 0; i < all[b].count; i++) {
            if (!all[b].slots[i].key[0] || n-- > 0)
                continue;
            slot->number = (uint8_t)(all[b].first + i);
            memcpy(slot->key, all[b].slots[i].key, sizeof slot->key);
            return 0;
        }
    }
    return -ENOENT;
}

int sensors_restore_slot(struct sensors *sensors, const struct sensors_slot *slot)
{
    size_t length = strnlen(slot->key, sizeof slot->key);

    if (slot->number >= SENSOR_NIC)
        make_bays(&sensors->nics, slot->number - SENSOR_NIC + 1u, HOST_NICS_MAX);
    else if (slot->number >= SENSOR_DISK)
        make_bays(&sensors->disks, slot->number - SENSOR_DISK + 1u, HOST_DISKS_MAX);
    const struct bays bays = bays_of(sensors, slot->number);

    if (slot->number < bays.first || slot->number - bays.first >= (int)bays.count || length == 0 ||
        length == sizeof slot->key)
        return -EINVAL;
    struct sensor_slot *known = &bays.slots[slot->number - bays.first];
    if (strcmp(known->key, slot->key) == 0)
        return 0;
    if (sensors->knows_hardware || known->key[0] || find_key(&bays, slot->key))
        return -EINVAL;
    if (!sensors_make(sensors, slot->number))
        return -ENOMEM;
    memcpy(known->key, slot->key, length + 1);
    name_disk(known);
    return 0;
}
