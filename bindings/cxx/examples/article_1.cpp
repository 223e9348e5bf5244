/* SPDX-License-Identifier: MIT */
/*
 * article_1.cpp - the article's first program: a child that knows only the name
 * writes the parent's 10 bytes.
 */
#include <cstdint>
#include <iostream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.hpp>

static void print(rig::view<std::uint8_t> bytes)
{
	for (std::uint8_t byte : bytes)
		std::cout << int{ byte } << ", ";
	std::cout << std::endl;
}

static int child(const std::string &name)
{
	rig::segment segment = rig::segment::attach(name);
	auto bytes = segment.as<std::uint8_t>();

	for (std::size_t i = 0; i < bytes.size(); i++)
		bytes[i] = static_cast<std::uint8_t>(10 - i);
	return 0;
}

int main()
{
	rig::segment segment(10);
	auto bytes = segment.as<std::uint8_t>();
	int status = 1;

	for (std::size_t i = 0; i < bytes.size(); i++)
		bytes[i] = static_cast<std::uint8_t>(i);
	print(bytes);
	if (fork() == 0)
		_exit(child(segment.name()));
	wait(&status);
	print(bytes);
	return status != 0;
}
