/* Backtracking over the tree as it was parsed, with what comes behind as a list of tasks. Exponential, hence a limit of
 * steps; its only use is to be compared with. */
#include "matcher.h"

#include "core/base/utf8.h"

enum { STEPS_MAX = 200000, DEPTH_MAX = 2000 };

/* What is to be done once the current node has matched. */
struct task {
    const struct regex_node *node; /* CONCAT: from child `number` on; REPEAT: `number` rounds are done */
    uint32_t number;
    const char *from; /* REPEAT: where the last round began */
    const struct task *next;
};

struct matcher {
    const char *begin, *end;
    unsigned steps, depth;
};

static bool match(struct matcher *m, const struct regex_node *node, const char *at, const struct task *next);

static bool is_word(const char *at)
{
    char c = *at;
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool holds(const struct matcher *m, enum regex_kind kind, const char *at)
{
    bool before = at > m->begin && is_word(at - 1), behind = at < m->end && is_word(at);
    switch (kind) {
    case REGEX_TEXT_BEGIN:
        return at == m->begin;
    case REGEX_TEXT_END:
        return at == m->end;
    case REGEX_LINE_BEGIN:
        return at == m->begin || at[-1] == '\n';
    case REGEX_LINE_END:
        return at == m->end || *at == '\n';
    default:
        return (before != behind) == (kind == REGEX_WORD);
    }
}

static bool repeat(struct matcher *m, const struct regex_node *node, uint32_t done, const char *at,
                   const struct task *next);

static bool go_on(struct matcher *m, const char *at, const struct task *task)
{
    if (!task)
        return true;
    if (task->node->kind == REGEX_REPEAT) {
        if (at == task->from && task->number > task->node->min)
            return false; /* a round that took nothing leads nowhere new */
        return repeat(m, task->node, task->number, at, task->next);
    }
    if (task->number == task->node->count)
        return go_on(m, at, task->next);
    struct task rest = {task->node, task->number + 1, NULL, task->next};
    return match(m, task->node->children[task->number], at, &rest);
}

static bool repeat(struct matcher *m, const struct regex_node *node, uint32_t done, const char *at,
                   const struct task *next)
{
    struct task round = {node, done + 1, at, next};
    if (done < node->max && match(m, node->children[0], at, &round))
        return true;
    return done >= node->min && go_on(m, at, next);
}

static bool match_one(struct matcher *m, const struct regex_node *node, const char *at, const struct task *next)
{
    int len;
    struct task rest = {node, 0, NULL, next};
    switch (node->kind) {
    case REGEX_NEVER:
        return false;
    case REGEX_EMPTY:
        return go_on(m, at, next);
    case REGEX_SET:
        return at < m->end && regex_set_has(&node->set, (uint32_t)vx_utf8_decode(at, m->end, &len)) &&
               go_on(m, at + len, next);
    case REGEX_CONCAT:
        return go_on(m, at, &rest);
    case REGEX_REPEAT:
        return repeat(m, node, 0, at, next);
    case REGEX_ALT:
        for (uint32_t i = 0; i < node->count; i++) {
            if (match(m, node->children[i], at, next))
                return true;
        }
        return false;
    default:
        return holds(m, node->kind, at) && go_on(m, at, next);
    }
}

static bool match(struct matcher *m, const struct regex_node *node, const char *at, const struct task *next)
{
    if (m->steps == 0 || m->depth == DEPTH_MAX) {
        m->steps = 0;
        return false;
    }
    m->steps--;
    m->depth++;
    bool yes = match_one(m, node, at, next);
    m->depth--;
    return yes;
}

bool matcher_search(const struct regex_node *node, struct vx_span subject, bool *found)
{
    struct matcher m = {subject.at, subject.at + subject.len, STEPS_MAX, 0};
    *found = false;
    for (const char *at = m.begin; at <= m.end && !*found && m.steps > 0;) {
        int len = 1;
        *found = match(&m, node, at, NULL);
        if (at < m.end)
            vx_utf8_decode(at, m.end, &len);
        at += len;
    }
    return m.steps > 0 || *found;
}
