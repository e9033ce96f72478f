/* Checks of a release as a whole, after all documents are loaded. Private to core/config.
 *
 * They run on what was loaded even where something else is wrong, so that one run reports all; what could only be said of
 * a correct release (nothing uses this) is left out then.
 */
#ifndef VX_CONFIG_CHECK_H
#define VX_CONFIG_CHECK_H

#include "core/config/load.h"

/* Names that lead nowhere, topics that are claimed twice, pipelines that nothing uses. */
void check_names(struct loader *l, const struct config_set *set);
/* Cycles and depth of pipelines in pipelines; pipelines that never emit. */
void check_pipelines(struct loader *l, const struct config_set *set);
/* Rules that hand over to other routings: names, cycles, depth, cost; routings that nothing reaches. */
void check_handover(struct loader *l, const struct config_set *set);
/* Topics that would feed themselves. */
void check_feed(struct loader *l, const struct config_set *set);
/* Rules that can never match. */
void check_rules(struct loader *l, const struct config_set *set);

/* Where `topic` is claimed: the routing whose `topics` names it, or NULL. */
struct check_topic {
    const char *name;
    const struct config_routing *routing;
    const struct config_node *node; /* in `topics` */
};
/* All claimed topics by name; of one claimed twice all claims, by routing. In the arena. */
struct check_topic *check_topics(struct vx_arena *arena, const struct config_set *set, size_t *count);

/* The node of a pipeline's name below an action or a stage. */
const struct config_node *check_name_node(const struct config_node *node, const char *name);

#endif
