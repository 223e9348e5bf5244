/* SPDX-License-Identifier: MIT */
/*
 * test.cpp - runrig.hpp: runs, arguments, results, exceptions, views, lists.
 */
#include <cmath>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>

#include <runrig/runrig.hpp>

static int failures;

#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition)) {                                            \
			std::cerr << "line " << __LINE__ << ": " #condition    \
				  << std::endl;                                \
			failures++;                                            \
		}                                                              \
	} while (0)

struct scale {
	double factor;
	int offset;
};

struct extent {
	double least, greatest;
};

static void arguments_and_results(rig::pool &pool)
{
	rig::segment segment(pool, 1000 * sizeof(double));
	auto x = segment.as<double>();

	pool.run({ segment }, scale{ 0.5, 3 },
		 [](rig::team team, const scale &args) {
			 auto own = team.view<double>(0);
			 rig_span strip = team.strip(own.size());

			 for (auto i = strip.begin; i < strip.end; i++)
				 own[i] = args.factor * static_cast<double>(i) +
					args.offset;
		 });
	EXPECT(x.size() == 1000 && x[0] == 3 && x[999] == 0.5 * 999 + 3);
	extent found = pool.run({ segment }, [](rig::team team) {
		auto all = team.view<const double>(0);
		extent mine = { INFINITY, -INFINITY };

		for (double value : all.part(team.strip(all.size()))) {
			mine.least = std::fmin(mine.least, value);
			mine.greatest = std::fmax(mine.greatest, value);
		}
		return extent{ team.allreduce(mine.least, RIG_MIN),
			       team.allreduce(mine.greatest, RIG_MAX) };
	});
	EXPECT(found.least == 3 && found.greatest == 0.5 * 999 + 3);
}

static void verbs(rig::pool &pool)
{
	bool right = pool.run({}, [](rig::team team) {
		int n = team.size();
		bool ok = team.bcast(team.rank() + 7, n - 1) == n + 6;

		ok &= team.scan(std::int64_t{ 1 }) == team.rank() + 1;
		std::vector<int> ranks = team.allgather(team.rank());
		for (int i = 0; i < n; i++)
			ok &= ranks[static_cast<std::size_t>(i)] == i;
		/* A struct is moved as it is. */
		extent e = team.bcast(extent{ 1.0 * team.rank(), 2 }, n - 1);
		ok &= e.least == n - 1 && e.greatest == 2;
		team.barrier();
		return team.allreduce(ok, RIG_LAND);
	});
	EXPECT(right);
}

static void exceptions(rig::pool &pool)
{
	try {
		pool.run({}, [](rig::team team) {
			if (team.rank() == 1)
				throw std::runtime_error("no such thing");
			team.barrier();
		});
		EXPECT(!"an exception in a kernel passed");
	} catch (const rig::error &error) {
		EXPECT(error.code() == -ECANCELED);
		EXPECT(std::string(error.what()).find("no such thing") !=
		       std::string::npos);
	}
	try {
		pool.run({}, [](rig::team team) {
			if (team.rank() == 1)
				raise(SIGKILL);
			team.barrier();
		});
		EXPECT(!"a death passed");
	} catch (const rig::error &error) {
		EXPECT(error.code() == -EOWNERDEAD);
		EXPECT(error.report().find("killed by SIGKILL") !=
		       std::string::npos);
		EXPECT(pool.report().rank == 1);
	}
	/* The pool has a fresh team. */
	EXPECT(pool.run({}, [](rig::team team) { return team.size(); }) ==
	       pool.size());
	try {
		rig::segment::attach("no-such-segment");
		EXPECT(!"attached to nothing");
	} catch (const rig::error &error) {
		EXPECT(error.code() == -ENOENT);
	}
}

static void views(rig::pool &pool)
{
	rig::segment segment(25);
	rig::segment moved = std::move(segment);
	std::string name = moved.name();

	EXPECT(moved.as<double>().size() == 3);
	try {
		moved.as<double>().at(3) = 1;
		EXPECT(!"beyond the end");
	} catch (const std::out_of_range &) {
	}
	try {
		pool.run({ rig::handed(name, 1, 8) }, [](rig::team team) {
			team.view<double>(0)[0] = 1;
		});
		EXPECT(!"a view that is not aligned");
	} catch (const rig::error &error) {
		EXPECT(std::string(error.what()).find("not aligned") !=
		       std::string::npos);
	}
	moved = rig::segment(1);
	try {
		rig::segment::attach(name);
		EXPECT(!"the name stayed");
	} catch (const rig::error &) {
	}
}

static void lists()
{
	rig::list list({ std::monostate{}, std::int64_t{ 5 }, 2.5, true,
			 std::string("text"), rig::bytes{ "raw" } });
	rig::list other = rig::list::attach(list.name());

	EXPECT(other.size() == 6);
	EXPECT(std::holds_alternative<std::monostate>(other.get(0)));
	EXPECT(other.get(1) == rig::value(std::int64_t{ 5 }));
	EXPECT(other.get(2) == rig::value(2.5));
	EXPECT(other.get(3) == rig::value(true));
	EXPECT(other.get(4) == rig::value(std::string("text")));
	EXPECT(other.get(-1) == rig::value(rig::bytes{ "raw" }));
	EXPECT(list.repr().find("[None, 5, 2.5, True, 'text', b'raw']") !=
	       std::string::npos);
}

int main()
{
	rig::pool pool(3);

	EXPECT(pool.size() == 3);
	arguments_and_results(pool);
	verbs(pool);
	exceptions(pool);
	views(pool);
	lists();
	return failures != 0;
}
