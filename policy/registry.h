/* registry.h - every policy there is, by the name that options give it */
#pragma once

#include "policy/policy.h"

/* The policy of that name, or NULL. */
const struct policy *policy_find(const char *name);

/* The i-th policy, the default first; NULL past the last. */
const struct policy *policy_at(unsigned i);
