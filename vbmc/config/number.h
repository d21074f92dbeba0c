/* Numbers as vbmc.conf has them. */
#ifndef VBMC_CONFIG_NUMBER_H
#define VBMC_CONFIG_NUMBER_H

/* Decimal digits only, min to max. Stops before `*end` if end is not NULL, else at the end of the
 * text. 0, or -EINVAL. */
int config_read_number(const char *text, unsigned long min, unsigned long max, unsigned long *value,
                       char **end);
/* The same up to the end of the text, into an unsigned. */
int config_read_unsigned(const char *text, unsigned min, unsigned max, unsigned *value);
/* A decimal number, min to max, into a double. The daemon's locale is C. 0, or -EINVAL. */
int config_read_double(const char *text, double min, double max, double *value);

#endif
