/* What the FRUs of a server say as long as no client wrote them: images made from the domain. */
#ifndef VBMC_BMC_FRU_CONTENT_H
#define VBMC_BMC_FRU_CONTENT_H

#include <stddef.h>
#include <stdint.h>

struct fru_facts {
    const char *domain_name;
    const struct uuid *uuid;
    const struct host_hardware *hardware; /* NULL: not known */
    unsigned psu_watts;
};

/* FRU 0; `tag` is Latin-1. The image has FRU_SERVER_SIZE bytes. */
void fru_make_server(const struct fru_facts *facts, const uint8_t *tag, size_t tag_length,
                     uint8_t *image);
/* The PSU or the memory module `number`, from 1. The image has FRU_PART_SIZE bytes. */
void fru_make_psu(const struct fru_facts *facts, unsigned number, uint8_t *image);
void fru_make_dimm(const struct fru_facts *facts, unsigned number, uint8_t *image);

#endif
