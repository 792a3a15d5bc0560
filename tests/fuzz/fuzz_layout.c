/* fuzz_layout.c - any bytes as a client's file: extents stay inside it */
#include "tests/fuzz/whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct whole file = { data, len };
	struct source src = { .size = len, .read = whole_read, .ctx = &file };

	whole_check(&src);
	return 0;
}
