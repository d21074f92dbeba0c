/* The version of both programs; the build passes it in. */
#ifndef VBMC_BASE_VERSION_H
#define VBMC_BASE_VERSION_H

#ifndef VBMC_VERSION
#define VBMC_VERSION "unreleased"
#endif

#endif
