/* Two lists side by side: what stands in both, what moved, what came and went. Private to core/config. */
#ifndef VX_CONFIG_DIFF_ORDER_H
#define VX_CONFIG_DIFF_ORDER_H

#include "core/config/node.h"

/* Items by index; -1: not in that list. */
struct order_pair {
    int a, b;
    bool moved; /* in both, but its order among what stands in both changed */
};

/* Pairs the mappings of two lists (either may be NULL) by their `name`. Items that only moved relative to others are
 * marked: as few as possible. In the order of `b`, each removed one where it was. malloc'd; the caller frees it. */
struct order_pair *order_by_name(const struct config_node *a, const struct config_node *b, size_t *count);
/* Pairs items that are `equal` in the same order; between those, neighbours of the `same` kind; then equal ones that moved.
 * Cost: the product of the lengths. */
struct order_pair *order_by_value(const struct config_node *a, const struct config_node *b,
                                  bool (*equal)(const struct config_node *, const struct config_node *),
                                  bool (*same)(const struct config_node *, const struct config_node *), size_t *count);

#endif
