/* SPDX-License-Identifier: MIT */
/*
 * gnu_sort.cc - rigbench-gnu-sort CLOCK COUNT THREADS: libstdc++'s parallel
 * sort of doubles, under the driver (peer.h).  An operation copies the unsorted
 * numbers, untimed, and sorts them.
 */
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <parallel/algorithm>
#include <string>
#include <unistd.h>
#include <vector>

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* What kernels/sort.c generates. */
static double value_at(uint64_t at)
{
	at = (at + 1) * UINT64_C(0x9e3779b97f4a7c15);
	at = (at ^ at >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	at = (at ^ at >> 27) * UINT64_C(0x94d049bb133111eb);
	return (double)(int64_t)(at ^ at >> 31) * 0x1p-63;
}

int main(int argc, char **argv)
{
	clockid_t clock = argc > 3 ? (clockid_t)std::atoi(argv[1]) : 1;
	size_t count = argc > 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
	std::vector<double> given(count), sorted(count);
	std::string line;

	if (argc < 4)
		return 1;
	omp_set_num_threads(std::atoi(argv[3]));
	for (size_t i = 0; i < count; i++)
		given[i] = value_at(i);
	std::cout << "ready " << getpid() << std::endl;
	while (std::getline(std::cin, line)) {
		uint64_t operations = 1, total = 0;
		bool run = std::sscanf(line.c_str(), "run %lu", &operations) ==
			   1;

		for (uint64_t i = 0; i < operations; i++) {
			uint64_t begin;

			sorted = given;
			begin = now_ns(clock);
			__gnu_parallel::sort(sorted.begin(), sorted.end());
			total += now_ns(clock) - begin;
		}
		if (run)
			std::cout << "measured " << (double)total /
							 (double)operations
				  << std::endl;
		else if (std::is_sorted(sorted.begin(), sorted.end()))
			std::cout << "verified" << std::endl;
		else
			std::cout << "wrong order" << std::endl;
	}
	return 0;
}
