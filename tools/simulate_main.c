/* simulate_main.c - the verb `simulate` as a program of its own */
#include "tools/simulate.h"

int main(int argc, char **argv)
{
	return verb_simulate(argc, argv);
}
