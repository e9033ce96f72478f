/* A matcher of regular expressions that is slow and easy to believe: tries everything there is, from every place. */
#ifndef VX_TEST_FUZZ_MATCHER_H
#define VX_TEST_FUZZ_MATCHER_H

#include "core/cel/regex/regex_tree.h"

/* Searches `subject`, well-formed UTF-8. False: it took too many steps, and *found says nothing. */
bool matcher_search(const struct regex_node *node, struct vx_span subject, bool *found);

#endif
