/* run_corpus.c - feeds a fuzz target the files of a folder, once each */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "codec/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int feed(int dir, const char *name)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return 0;

	/* Of just this size, so that a sanitizer sees its end. */
	auto_free uint8_t *data = malloc((size_t)st.st_size);

	if (!data || read(fd, data, (size_t)st.st_size) != st.st_size)
		return -1;
	LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	return 1;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	int n_fed = 0;

	if (!dir) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		int r = feed(dirfd(dir), d->d_name);

		if (r < 0) {
			perror(d->d_name);
			return 1;
		}
		n_fed += r;
	}
	closedir(dir);
	printf("%d inputs\n", n_fed);
	return n_fed ? 0 : 1;
}
