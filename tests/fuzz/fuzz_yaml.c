/* Any text as a file of configs: it loads, or every finding has a place and words. */
#include "core/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_source source = {"fuzz.yaml", vx_span((const char *)data, size), 1};
    struct config_set *set = NULL;
    struct vx_diags diags = {0};
    struct vx_buf text = {0};
    enum vx_status status = config_load(&source, 1, &set, &diags);
    vx_assert((status == VX_OK) == (diags.error_count == 0));
    vx_assert((status == VX_OK) == (set != NULL));
    for (size_t i = 0; i < diags.count; i++) {
        const struct vx_diag *diag = &diags.items[i];
        vx_assert(diag->message[0] && diag->line >= 0 && diag->column >= 0 && diag->width >= 1);
    }
    vx_diags_sort(&diags);
    vx_diags_print(&diags, &text, false);
    vx_buf_done(&text);
    vx_diags_done(&diags);
    config_set_free(set);
    return 0;
}
