/* The verb screenshot. */
#ifndef VBMC_CLI_SCREENSHOT_H
#define VBMC_CLI_SCREENSHOT_H

extern const struct cli_verb cli_verb_screenshot;

#endif
