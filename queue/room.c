// SPDX-License-Identifier: MIT
/*
 * The marks: how full Redis is, and how many events wait. Each is looked at every tick, and has its
 * own hysteresis; the worse of the two says what may come in.
 */

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "queue/internal.h"

// The figure after "name:" at the start of a line of INFO; -1 when it is not there.
static int64_t info_figure(const char *info, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = info; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            return strtoll(line + len + 1, NULL, 10);
    }
    return -1;
}

/*
 * Where a mark goes from `now` when it reads `value`:
 *        0 ......... low ......... half-way ......... high ........
 *   ROOM |           | as it was   | NO_RECEIPTS*     | NONE
 * (* NONE stays NONE until below `low`.)
 */
static enum queue_room room_next(enum queue_room now, uint64_t value, uint64_t high,
                                 unsigned low_water)
{
    uint64_t low = (uint64_t)((double)high * low_water / 100);
    if (value >= high)
        return QUEUE_ROOM_NONE;
    if (value < low)
        return QUEUE_ROOM;
    if (now == QUEUE_ROOM && value >= low + (high - low) / 2)
        return QUEUE_ROOM_NO_RECEIPTS;
    return now;
}

static void room_set(struct queue *queue)
{
    static const char *const names[] = {[QUEUE_ROOM] = "queue.room",
                                        [QUEUE_ROOM_NO_RECEIPTS] = "queue.no_receipts",
                                        [QUEUE_ROOM_NONE] = "queue.full"};
    bool memory = queue->room_memory > queue->room_waiting;
    enum queue_room room = memory ? queue->room_memory : queue->room_waiting;
    if (room == queue->room)
        return;
    queue->room = room;
    log_warn(names[room], "mark", memory ? "memory" : "waiting", "waiting",
             log_int((int64_t)queue->waiting));
}

static void on_memory(struct queue *queue, void *arg, const redisReply *reply,
                      const struct err *err)
{
    queue->asking_room = false;
    const char *info = reply_str(reply);
    if (!info)
        return;
    int64_t used = info_figure(info, "used_memory"), most = info_figure(info, "maxmemory");
    if (most > 0 && used >= 0)
        queue->room_memory = room_next(queue->room_memory, (uint64_t)used,
                                       (uint64_t)most / 100 * queue->high_water, queue->low_water);
    else
        queue->room_memory = QUEUE_ROOM;
    room_set(queue);
}

static void on_waiting(struct queue *queue, void *arg, const redisReply *reply,
                       const struct err *err)
{
    if (!reply || reply->type != REDIS_REPLY_ARRAY)
        return;
    int64_t sum = 0;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_NIL)
            sum += reply_int(reply->element[i]);
    queue->waiting = sum > 0 ? (uint64_t)sum : 0;
    if (queue->max_waiting > 0)
        queue->room_waiting =
            room_next(queue->room_waiting, queue->waiting, queue->max_waiting, queue->low_water);
    room_set(queue);
}

void room_tick(struct queue *queue)
{
    if (queue->asking_room)
        return;
    queue->asking_room = true;
    struct cmd counters = {0}, memory = {0};
    cmd_add_str(&counters, "MGET");
    for (unsigned shard = 0; shard < queue->shard_count; shard++) {
        char prefix[16];
        shard_prefix(shard, prefix);
        char *key = x_printf("%swaiting", prefix);
        cmd_add_str(&counters, key);
        free(key);
    }
    queue_call(queue, &counters, on_waiting, NULL);
    cmd_add_str(&memory, "INFO");
    cmd_add_str(&memory, "memory");
    queue_call(queue, &memory, on_memory, NULL);
}

enum queue_room queue_room(const struct queue *queue)
{
    return queue->room;
}

uint64_t queue_waiting(const struct queue *queue)
{
    return queue->waiting;
}
