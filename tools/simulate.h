/* simulate.h - the verb `simulate`: policies on a trace, without a mount */
#pragma once

/* As main(): argv[0] is the verb.  Returns an exit status: 0, 1 (the run
 * failed), 2 (bad usage); what went wrong is on stderr. */
int verb_simulate(int argc, char **argv);
