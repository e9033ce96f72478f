/* The JSON of each record, to text and back. Pure.
 *
 * Loading takes what anybody may have written: unknown members are ignored (a newer Veltrix may add some), a missing or
 * ill-typed one, a number out of its range or text that is not JSON makes the record unreadable (false), never worse.
 * Texts live in the arena.
 */
#ifndef VX_STORE_RECORD_H
#define VX_STORE_RECORD_H

#include "core/store/store.h"

enum { RECORD_ID_SIZE = 33 };

/* `manifest.request_id` stands in it: it makes a lost answer recognisable. */
struct vx_span record_manifest_print(struct vx_arena *arena, const struct store_manifest *manifest);
bool record_manifest_load(struct vx_arena *arena, struct vx_span text, struct store_manifest *out);

/* `request_id`: of the call that wrote it; makes a lost answer recognisable. */
struct vx_span record_pointer_print(struct vx_arena *arena, const struct store_pointer *pointer,
                                    const char *request_id);
bool record_pointer_load(struct vx_span text, struct store_pointer *out, char request_id[RECORD_ID_SIZE]);

/* Who holds the edit lock or waits for it. */
struct record_editor {
    const char *who;
    const char *purpose;
    int64_t since_ms;
};
struct vx_span record_editor_print(struct vx_arena *arena, const struct record_editor *editor);
bool record_editor_load(struct vx_arena *arena, struct vx_span text, struct record_editor *out);

/* `report` is JSON text of an object. */
struct vx_span record_router_print(struct vx_arena *arena, const struct store_router *router);
bool record_router_load(struct vx_arena *arena, struct vx_span text, struct store_router *out);
bool record_report_valid(const char *json);

/* One entry of the audit; its time and author are told by who writes it. */
struct vx_span record_audit_print(struct vx_arena *arena, const struct store_audit *audit);
bool record_audit_load(struct vx_arena *arena, struct vx_span text, struct store_audit *out);

/* The head: a number in decimal. */
bool record_number_load(struct vx_span text, uint32_t *out);

#endif
