/* log.c - one line per thing that went wrong */
#include "fs/store/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

static atomic_bool log_syslog;

static void log_line(int level, const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	if (log_syslog)
		syslog(level, "%s", line);
	else
		fprintf(stderr, "adaptcachefs: %s\n", line);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_ERR, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_INFO, format, args);
	va_end(args);
}

void log_to_syslog(void)
{
	openlog("adaptcachefs", LOG_PID, LOG_DAEMON);
	log_syslog = true;
}
