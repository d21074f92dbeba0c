/* Who listens to the event log is told of what gets into it, and of what does not. */
#include "vbmc/bmc/sel_internal.h"

static void tell(const struct sel *sel, const uint8_t record[SEL_RECORD_SIZE])
{
    if (sel->listener)
        sel->listener->event(sel->listener_context, record);
}

void sel_tell_unlogged(const struct sel *sel, struct sel_operation *operation)
{
    if (!operation->is_event || operation->is_told)
        return;
    operation->is_told = true;
    sel_record_stamp(operation->record, 0, sel_record_time(sel_time(sel, operation->machine_time)));
    tell(sel, operation->record);
}

/* The first from there on that has added a record. */
static const struct sel_operation *next_addition(const struct sel_operation *operation)
{
    while (operation && (operation->kind != SEL_OPERATION_ADD || operation->result < 0))
        operation = operation->next;
    return operation;
}

static void tell_processed(const struct sel *sel, const struct sel_operation *operation)
{
    if (sel->listener && operation->kind == SEL_OPERATION_SET_LAST_BY_SOFTWARE)
        sel->listener->processed(sel->listener_context, (uint16_t)operation->value);
}

/* With what the log has to say of itself. */
void sel_tell_step(const struct sel *sel)
{
    const struct sel_operation *addition = next_addition(sel->step.first);

    for (unsigned i = 0; i < sel->plan->count; i++) {
        const uint8_t *record = sel->plan->entries[i].record;
        bool is_added = addition && addition->id == sel_record_id(record);
        if (!is_added || (addition->is_event && !addition->is_told))
            tell(sel, record);
        if (is_added)
            addition = next_addition(addition->next);
    }
    for (struct sel_operation *operation = sel->step.first; operation; operation = operation->next)
        if (operation->result < 0)
            sel_tell_unlogged(sel, operation);
        else
            tell_processed(sel, operation);
}
