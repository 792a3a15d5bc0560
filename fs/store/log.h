/*
 * log.h - one line per thing that went wrong
 *
 * To stderr until log_to_syslog, then to syslog.  Thread-safe.
 */
#pragma once

/* printf-like, without a newline. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The daemon has no terminal any more. */
void log_to_syslog(void);
