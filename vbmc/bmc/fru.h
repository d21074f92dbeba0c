/* FRU inventory (Platform Management FRU Information Storage Definition v1.0): FRU 0 is the server
 * with chassis, board and product areas, then one for each PSU and each memory module.
 *
 * What they say is generated from the domain. What a client writes (Write FRU Data, in pieces as
 * small as it likes, so that checksums may be wrong in between) makes that FRU a written one: its
 * whole image is kept and stored from then on, also while the PSU or the module is not there, and
 * what is generated no longer shows. A written image that comes to be the same as the generated one
 * is forgotten: writing back what was there undoes all.
 *
 * There is one asset tag, which the product area of FRU 0 and DCMI's commands both show. It is the
 * domain's (SMBIOS, chassis) until a client sets another, by DCMI or by writing FRU 0: as soon as
 * the product area there has a right checksum, the tag is taken from it. Setting it by DCMI changes
 * a written FRU 0 too, where its product area can be read. So who edits only the tag of FRU 0 with
 * a FRU tool has the rest still follow the domain. */
#ifndef VBMC_BMC_FRU_H
#define VBMC_BMC_FRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRU_SERVER        0
#define FRU_SERVER_SIZE   1024 /* bytes of FRU 0: every field at its longest fits */
#define FRU_PART_SIZE     256  /* of the others */
#define FRU_SIZE_MAX      FRU_SERVER_SIZE
#define FRU_ASSET_TAG_MAX 63

struct fru;
struct host_hardware;
struct uuid;

/* FRU 0 is there, and says nothing before fru_set_hardware. NULL if there is no memory. */
struct fru *fru_new(void);
/* NULL is allowed. */
void fru_free(struct fru *fru);

/* What the FRUs say; made again. `psus` of `psu_watts` each. hardware may be NULL (not known yet).
 * PSU n is FRU n, module n is FRU 6 + n. */
void fru_set_hardware(struct fru *fru, const char *domain_name, const struct uuid *uuid,
                      const struct host_hardware *hardware, unsigned psus, unsigned psu_watts);

/* FRU devices in ascending order of their ids: 0 gives the first; *id moves on behind the one that
 * was found. 0, or -ENOENT at the end. For the locator records of the SDR repository. */
struct fru_device {
    uint8_t id;
    const char *name;                /* at most 16 bytes: "PSU1", "DIMM1" */
    uint8_t entity, entity_instance; /* IPMI 2.0, table 43-13 */
};
int fru_next_device(const struct fru *fru, unsigned *id, struct fru_device *device);

/* Bytes of a FRU; 0 if there is none of that id. */
size_t fru_size(const struct fru *fru, uint8_t id);
/* The whole image, fru_size long; NULL if there is none. Valid until the FRU changes. */
const uint8_t *fru_image(const struct fru *fru, uint8_t id);
/* Writes at any place; the caller reports BMC_PART_FRU as changed. 0; -ENOENT; -ERANGE, then
 * nothing is written; -ENOMEM. */
int fru_write(struct fru *fru, uint8_t id, size_t offset, const uint8_t *bytes, size_t length);

/* The asset tag: bytes of Latin-1, or UTF-8 behind a byte order mark (DCMI 1.5, Get Asset Tag).
 * Returns the length. */
size_t fru_asset_tag(const struct fru *fru, uint8_t tag[FRU_ASSET_TAG_MAX]);
/* The caller reports BMC_PART_FRU as changed. 0; -EINVAL if it is too long; -ENOSPC if a written
 * FRU 0 has no room for it. */
int fru_set_asset_tag(struct fru *fru, const uint8_t *tag, size_t length);
/* The same with UTF-8: as Latin-1 if that can say it, else behind a byte order mark. -EINVAL also
 * for what is no printable text. */
int fru_set_asset_tag_text(struct fru *fru, const char *utf8);

/* ---- storing ---- */

/* The image that a client wrote for this id, fru_written_size long; NULL if none did. */
const uint8_t *fru_written(const struct fru *fru, uint8_t id);
/* Of any id that a FRU can have, there or not; 0 for others. */
size_t fru_written_size(uint8_t id);
bool fru_asset_tag_is_set(const struct fru *fru);
/* Nothing written, no tag set. */
void fru_reset(struct fru *fru);
/* What was stored. `length` may be shorter than the image by its last zeros. 0, -EINVAL (no such
 * id, too long), -ENOMEM. */
int fru_restore_image(struct fru *fru, uint8_t id, const uint8_t *bytes, size_t length);
/* 0 or -EINVAL. */
int fru_restore_asset_tag(struct fru *fru, const uint8_t *tag, size_t length);

#endif
