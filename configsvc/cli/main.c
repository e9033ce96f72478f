/* veltrix: the operator's command. The way from the command line to a command. */
#include <stdio.h>

#include "configsvc/cli/cli.h"

int main(int argc, char **argv)
{
    struct cli cli = {0};
    void *options = NULL;
    int code = args_load(&cli, argc, argv, &options);
    if (code == EXIT_DONE)
        code = cli.command->run(&cli, options);
    else if (code < 0)
        code = EXIT_DONE;
    vx_arena_done(&cli.arena);
    /* A full disk or a closed pipe must not look like success. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_DONE)
        code = EXIT_USAGE;
    return code;
}
