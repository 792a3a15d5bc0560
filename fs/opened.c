/* opened.c - what openers of directories and virtual files hold */
#include "fs/opened.h"

#include "codec/mem.h"

void opened_init(struct opened_list *l)
{
	pthread_mutex_init(&l->lock, NULL);
	l->first = NULL;
}

void opened_add(struct opened_list *l, struct opened *o)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&l->lock);

	o->next = l->first;
	o->at = &l->first;
	if (o->next)
		o->next->at = &o->next;
	l->first = o;
}

void opened_close(struct opened_list *l, struct opened *o)
{
	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&l->lock);

		*o->at = o->next;
		if (o->next)
			o->next->at = o->at;
	}
	o->close(o);
}

void opened_close_all(struct opened_list *l)
{
	while (l->first)
		opened_close(l, l->first);
	pthread_mutex_destroy(&l->lock);
}
