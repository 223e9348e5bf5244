/* SPDX-License-Identifier: MIT */
/*
 * article_3.cpp - the article's third program: a managed list in reverse, by the
 * article's loop and by a pool.
 */
#include <cstdint>
#include <iostream>
#include <vector>

#include <runrig/runrig.hpp>

static void print(const rig::list &list)
{
	for (std::size_t i = 0; i < list.size(); i++)
		std::cout << std::get<std::int64_t>(
				     list.get(static_cast<std::int64_t>(i)))
			  << ", ";
	std::cout << std::endl;
}

int main()
{
	rig::pool pool;
	rig::manager manager;
	std::vector<rig::value> digits;

	for (std::int64_t i = 0; i < 10; i++)
		digits.emplace_back(i);

	rig::list loop = manager.list(digits);
	for (std::int64_t i = 0; i < 10; i++)
		loop.set(i, loop.get(9 - i));
	print(loop);

	rig::list list = manager.list(digits);
	pool.run({ list }, [](rig::team team) {
		rig::list ls = rig::list::over(team.view<std::byte>(0));
		rig_span pairs = team.strip(ls.size() / 2);

		for (auto i = pairs.begin; i < pairs.end; i++)
			ls.swap(static_cast<std::int64_t>(i),
				static_cast<std::int64_t>(9 - i));
	});
	print(list);
	return 0;
}
