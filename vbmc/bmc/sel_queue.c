#include "vbmc/bmc/sel_internal.h"

void sel_operations_init(struct sel_operations *list)
{
    *list = (struct sel_operations){.end = &list->first};
}

void sel_operations_append(struct sel_operations *list, struct sel_operation *operation)
{
    operation->next = NULL;
    *list->end = operation;
    list->end = &operation->next;
    list->count++;
}

struct sel_operation *sel_operations_take(struct sel_operations *list)
{
    struct sel_operation *operation = list->first;

    if (!operation)
        return NULL;
    list->first = operation->next;
    if (!list->first)
        list->end = &list->first;
    list->count--;
    return operation;
}
