/* SPDX-License-Identifier: MIT */
/*
 * article_2.cpp - the article's second program: a child sets item 1 of a list to 99
 * and adds 99 to item 2.
 */
#include <cstdint>
#include <iostream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.hpp>

static int child(const std::string &name)
{
	rig::list list = rig::list::attach(name);

	list.set(1, std::int64_t{ 99 });
	list.set(2, std::get<std::int64_t>(list.get(2)) + 99);
	return 0;
}

int main()
{
	rig::list list({ std::int64_t{ 1 }, std::int64_t{ 2 },
			 std::int64_t{ 3 } });
	int status = 1;

	std::cout << list.repr() << std::endl;
	if (fork() == 0)
		_exit(child(list.name()));
	wait(&status);
	for (std::size_t i = 0; i < list.size(); i++)
		std::cout << std::get<std::int64_t>(
				     list.get(static_cast<std::int64_t>(i)))
			  << ", ";
	std::cout << std::endl;
	return status != 0;
}
