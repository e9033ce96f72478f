/* See share.h. Any thread. */
#include "router/io/share.h"

#include <stdint.h>

size_t share_room(const struct share *share, size_t count, size_t event_bytes)
{
    if (share->lanes < 2)
        return SIZE_MAX;
    size_t fit = SHARE_BYTES / event_bytes, all = fit < SHARE_EVENTS ? fit : SHARE_EVENTS;
    size_t half = all / share->lanes / 2, least = half > SHARE_LEAST_EVENTS ? half : SHARE_LEAST_EVENTS;
    size_t of_least = least > count ? least - count : 0, free = all > share->events ? all - share->events : 0;
    return of_least > free ? of_least : free;
}
