#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <runrig/runrig.h>

static int child(const char *name)
{
	struct rig_value value = rig_int(99);
	struct rig_list *list = NULL;
	int r = rig_list_attach(&list, name, NULL);

	if (r == 0 && (r = rig_list_set(list, 1, &value)) == 0 &&
	    (r = rig_list_get(list, 2, &value)) == 0) {
		value.integer += 99;
		r = rig_list_set(list, 2, &value);
	}
	rig_list_destroy(list);
	return r < 0;
}

int main(void)
{
	struct rig_value value, values[] = { rig_int(1), rig_int(2), rig_int(3) };
	struct rig_list *list = NULL;
	char *text = NULL;
	int status = 1;

	if (rig_list_create(&list, NULL, values, 3, NULL) < 0 || rig_list_repr(list, &text) < 0)
		return fprintf(stderr, "%s\n", rig_why()), 1;
	puts(text);                                        /* as Python's repr prints it */
	free(text);
	if (fflush(stdout) == 0 && fork() == 0)
		_exit(child(rig_list_name(list)));
	wait(&status);
	for (int i = 0; i < 3 && rig_list_get(list, i, &value) == 0; i++)
		printf("%d,%s", (int)value.integer, i < 2 ? " " : "\n");
	return rig_list_destroy(list), status != 0;
}
