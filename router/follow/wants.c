/* See wants.h. */
#include "router/follow/wants.h"

bool wants_add(struct wants *w, uint32_t release, int64_t now_ms)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->at[i].release == release)
            return true;
    if (w->count == WANTS_MAX)
        return false;
    w->at[w->count++] = (struct want){.release = release, .retry_ms = now_ms, .until_ms = now_ms + WANTS_MS};
    return true;
}

bool wants_take(struct wants *w, int64_t now_ms, struct want *out, int64_t *until_ms)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->at[i].retry_ms <= now_ms) {
            *out = w->at[i];
            w->at[i] = w->at[--w->count];
            return true;
        }
        if (w->at[i].retry_ms < *until_ms)
            *until_ms = w->at[i].retry_ms;
    }
    return false;
}

bool wants_again(struct wants *w, const struct want *want, int64_t now_ms)
{
    if (now_ms >= want->until_ms || w->count == WANTS_MAX)
        return false;
    w->at[w->count] = *want;
    w->at[w->count++].retry_ms = now_ms + WANTS_AGAIN_MS;
    return true;
}
