/* The functions of the table's rows, for table.c. */
#ifndef VBMC_SERVICE_RUNS_H
#define VBMC_SERVICE_RUNS_H

#include "vbmc/service/service.h"

/* chassis.c */
service_run service_run_power, service_run_identify;
void service_describe_power(const union service_arguments *arguments, char *text, size_t size);
/* boot.c */
service_run service_run_boot_flags, service_run_boot_parameter;
void service_describe_boot_flags(const union service_arguments *arguments, char *text, size_t size);

#endif
