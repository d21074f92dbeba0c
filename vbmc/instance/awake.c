#include "vbmc/instance/awake.h"

#include <stddef.h>

#include "vbmc/instance/instance.h"
#include "vbmc/instance/internal.h"
#include "vbmc/platform/platform.h"

static void link_instance(struct instance *instance)
{
    struct awake_list *list = instance->shared->awake;

    if (!list || instance->awake_link)
        return;
    instance->awake_next = list->first;
    instance->awake_link = &list->first;
    if (list->first)
        list->first->awake_link = &instance->awake_next;
    list->first = instance;
}

static void unlink_instance(struct instance *instance)
{
    if (!instance->awake_link)
        return;
    *instance->awake_link = instance->awake_next;
    if (instance->awake_next)
        instance->awake_next->awake_link = instance->awake_link;
    instance->awake_link = NULL;
}

static void on_awake(void *context)
{
    link_instance(context);
}

void instance_begin_awake(struct instance *instance)
{
    platform_on_awake(instance->bmc.platform, on_awake, instance);
    link_instance(instance);
}

void instance_end_awake(struct instance *instance)
{
    unlink_instance(instance);
    if (instance->bmc.platform)
        platform_on_awake(instance->bmc.platform, NULL, NULL);
}

void instance_wake(struct instance *instance)
{
    if (instance->bmc.platform)
        platform_wake(instance->bmc.platform);
}

void instance_wake_since(struct instance *instance, uint64_t since_ms)
{
    platform_wake_since(instance->bmc.platform, since_ms);
}

void instance_step_awake(struct awake_list *list)
{
    struct instance *next;

    for (struct instance *instance = list->first; instance; instance = next) {
        struct platform *platform = instance->bmc.platform;

        platform_step(platform);
        next = instance->awake_next;
        if (platform_is_at_rest(platform))
            unlink_instance(instance);
    }
}
