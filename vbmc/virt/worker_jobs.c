/* Queues of jobs, the time until which a thread waits for one, and whose turn it is to use the main
 * connection. */
#include "vbmc/virt/worker_internal.h"

#include <time.h>

void worker_push(struct job_queue *queue, struct worker_job *job)
{
    job->next = NULL;
    if (queue->last)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
}

struct worker_job *worker_pop(struct job_queue *queue)
{
    struct worker_job *job = queue->first;

    if (job) {
        queue->first = job->next;
        if (!queue->first)
            queue->last = NULL;
    }
    return job;
}

void worker_run_job(struct worker *worker, struct worker_job *job, virConnectPtr connection)
{
    job->run(job, connection);
    inbox_post(worker->inbox, &job->item);
}

void worker_use_main(struct worker *worker)
{
    worker->main_is_used = !worker->ops->is_in_process(worker->context);
}

bool worker_is_main_free(const struct worker *worker)
{
    return !worker->main_is_used && !worker->keeper_waits;
}

void worker_use_main_next(struct worker *worker)
{
    worker->keeper_waits = true;
    while (worker->main_is_used)
        pthread_cond_wait(&worker->keeper_wanted, &worker->lock);
    worker->keeper_waits = false;
    worker_use_main(worker);
}

/* Under the lock. */
static bool has_jobs_for_actors(const struct worker *worker)
{
    bool has = worker->actions.first || worker->consoles.first;

    for (unsigned i = 0; i < WORKER_LONG_KINDS; i++)
        has |= worker->longs[i].first != NULL;
    return has;
}

/* Threads that have nothing to do are left alone: the keeper is here after each of ten thousand
 * looks. */
void worker_leave_main(struct worker *worker)
{
    worker->main_is_used = false;
    pthread_cond_signal(&worker->keeper_wanted);
    if (has_jobs_for_actors(worker))
        pthread_cond_broadcast(&worker->actors_wanted);
}

uint64_t worker_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void worker_wait_until(struct worker *worker, pthread_cond_t *wanted, uint64_t ms)
{
    const struct timespec time = {
        .tv_sec = (time_t)(ms / 1000),
        .tv_nsec = (long)(ms % 1000) * 1000000,
    };

    pthread_cond_timedwait(wanted, &worker->lock, &time);
}
