/* What the FRUs say, field by field, read from their images as a client reads them: also what a
 * client wrote into them. For tables. */
#ifndef VBMC_BMC_FRU_FIELDS_H
#define VBMC_BMC_FRU_FIELDS_H

struct fru;
struct fru_device;

/* `area` is "chassis", "board", "product" or "records"; `field` names the field ("serial number",
 * "custom 1"), and is "error" where the area cannot be read, with the reason as text. Empty fields
 * are left out. The text is valid UTF-8. The strings are good for the call only. */
typedef void fru_field_fn(void *context, const struct fru_device *device, const char *area,
                          const char *field, const char *text);

/* Calls back for every field of every FRU, in the order of the images. */
void fru_fields(const struct fru *fru, fru_field_fn *callback, void *context);

#endif
