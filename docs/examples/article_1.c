#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <runrig/runrig.h>

static void print(const unsigned char *bytes)
{
	for (int i = 0; i < 10; i++)
		printf("%d,%s", bytes[i], i < 9 ? " " : "\n");
}

static int child(const char *name)                         /* knows nothing but the name */
{
	struct rig_segment *segment = NULL;
	int r = rig_segment_attach(&segment, name, NULL);

	for (int i = 0; r == 0 && i < 10; i++)
		((unsigned char *)rig_segment_data(segment))[i] = (unsigned char)(10 - i);
	rig_segment_destroy(segment);                      /* it did not make it: the name stays */
	return r < 0;
}

int main(void)
{
	struct rig_segment *segment = NULL;
	int status = 1;

	if (rig_segment_create(&segment, NULL, 10, NULL) < 0)
		return fprintf(stderr, "%s\n", rig_why()), 1;
	for (int i = 0; i < 10; i++)
		((unsigned char *)rig_segment_data(segment))[i] = (unsigned char)i;
	print(rig_segment_data(segment));
	if (fflush(stdout) == 0 && fork() == 0)
		_exit(child(rig_segment_name(segment)));
	wait(&status);
	print(rig_segment_data(segment));
	rig_segment_destroy(segment);                      /* it did: the name goes */
	return status != 0;
}
