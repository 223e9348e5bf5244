/* SPDX-License-Identifier: MIT */
/*
 * runrig.hpp - runrig for C++17: objects with an owner, views instead of pointers,
 * exceptions with the report, lambdas as kernels.
 *
 *	rig::pool pool;
 *	rig::segment segment(pool, 1000 * sizeof(double));
 *
 *	pool.run({ segment }, [](rig::team team) {
 *		auto x = team.view<double>(0);
 *		auto strip = team.strip(x.size());
 *
 *		for (auto i = strip.begin; i < strip.end; i++)
 *			x[i] = 1;
 *	});
 *
 * A kernel runs in other processes: a lambda captures nothing, and the arguments are
 * a struct of plain bytes.  The compiler refuses all else:
 *
 *	struct scale { double factor; };
 *	pool.run({ segment }, scale{ 2 }, [](rig::team team, const scale &args) {
 *		...
 *	});
 *
 * The value that a kernel returns on rank 0 is the value that run() returns.  An
 * exception that leaves a kernel ends the run, and run() throws the words.
 *
 * The header needs the C library alone: the flags are pkg-config's.
 * Threads, waiting and errors are as in the headers of C, function by function.
 */
#ifndef RUNRIG_RUNRIG_HPP
#define RUNRIG_RUNRIG_HPP

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <runrig/list.hpp>
#include <runrig/memory.hpp>
#include <runrig/team.hpp>

namespace rig
{

/* A window of a segment for a run: all of it, or some bytes. */
struct handed {
	handed(const segment &whole) : name(whole.name())
	{
	}

	handed(const list &whole) : name(whole.name())
	{
	}

	handed(std::string called, std::size_t from = 0, std::size_t count = 0,
	       bool only_read = false)
		: name(std::move(called)), offset(from), bytes(count),
		  read_only(only_read)
	{
	}

	std::string name;
	std::size_t offset = 0;
	std::size_t bytes = 0;
	bool read_only = false;
};

/* A kernel without arguments. */
struct nothing {};

namespace detail
{

/* Call a kernel with the arguments or, for `nothing`, without. */
template <class Kernel, class Args>
decltype(auto) call(const Kernel &kernel, team team, const Args &args)
{
	if constexpr (std::is_same_v<Args, nothing>) {
		(void)args;
		return kernel(team);
	} else {
		return kernel(team, args);
	}
}

template <class Kernel, class Args>
using returned = decltype(call(std::declval<const Kernel &>(),
			       std::declval<team>(),
			       std::declval<const Args &>()));

/* The rank's end of pool::run(): the function for C.  An empty lambda has no bytes,
 * and so nothing has to come from the caller. */
template <class Kernel, class Args> int enter(rig_team *c)
{
	alignas(Kernel) unsigned char none[sizeof(Kernel)] = {};
	const Kernel &kernel = *std::launder(reinterpret_cast<Kernel *>(none));

	try {
		Args args{};

		if constexpr (!std::is_empty_v<Args>)
			std::memcpy(&args, rig_team_args(c), sizeof(args));
		if constexpr (std::is_void_v<returned<Kernel, Args>>) {
			call(kernel, team(c), args);
		} else {
			auto result = call(kernel, team(c), args);

			std::memcpy(rig_team_result(c), &result,
				    sizeof(result));
		}
		return 0;
	} catch (const error &failed) {
		return failed.code();
	} catch (const std::exception &thrown) {
		return rig_team_fail(c, -ECANCELED, "%s", thrown.what());
	} catch (...) {
		return rig_team_fail(c, -ECANCELED, "an exception of no "
						    "known kind");
	}
}

template <class Kernel, class Args> constexpr void examine()
{
	static_assert(std::is_empty_v<Kernel> &&
			      std::is_trivially_copyable_v<Kernel>,
		      "a kernel runs in another process: a lambda that "
		      "captures nothing; give it a struct of arguments");
	static_assert(std::is_class_v<Args>,
		      "arguments of a kernel are one struct");
	static_assert(std::is_trivially_copyable_v<Args> &&
			      std::is_default_constructible_v<Args>,
		      "arguments of a kernel go to another process: a struct "
		      "that may be copied byte by byte");
	static_assert(sizeof(Args) <= RIG_ARGS_MAX,
		      "arguments of a kernel have at most RIG_ARGS_MAX bytes");
}

template <class Result> constexpr void examine_result()
{
	static_assert(std::is_trivially_copyable_v<Result> &&
			      std::is_default_constructible_v<Result> &&
			      !std::is_pointer_v<Result>,
		      "the result of a kernel comes from another process: a "
		      "type that may be copied byte by byte, no pointer");
	static_assert(sizeof(Result) <= RIG_RESULT_MAX,
		      "the result of a kernel has at most RIG_RESULT_MAX "
		      "bytes");
}

} // namespace detail

/* Workers, forked once and pinned. */
class pool {
public:
	explicit pool(const rig_pool_options &options = {})
	{
		rig_pool *made = nullptr;

		check(rig_pool_create(&made, &options));
		owned_.reset(made);
	}

	explicit pool(int workers) : pool(with(workers))
	{
	}

	int size() const noexcept
	{
		return rig_pool_size(owned_.get());
	}

	/* Run a lambda on every worker, and return the result of rank 0. */
	template <class Kernel>
	auto run(std::initializer_list<handed> segments, const Kernel &kernel)
	{
		return run(segments, nothing{}, kernel);
	}

	/* The same with arguments. */
	template <class Kernel, class Args>
	auto run(std::initializer_list<handed> segments, const Args &args,
		 const Kernel &)
	{
		detail::examine<Kernel, Args>();
		using result = detail::returned<Kernel, Args>;
		rig_job job = {};

		job.kernel = detail::enter<Kernel, Args>;
		if constexpr (!std::is_empty_v<Args>) {
			job.args = &args;
			job.args_bytes = sizeof(args);
		}
		if constexpr (std::is_void_v<result>) {
			start(job, segments);
		} else {
			detail::examine_result<result>();
			result of_rank_0{};

			job.result = &of_rank_0;
			job.result_bytes = sizeof(of_rank_0);
			start(job, segments);
			return of_rank_0;
		}
	}

	/* Run a kernel by its name: registered, or "path.so:symbol". */
	void run_named(const std::string &name,
		       std::initializer_list<handed> segments)
	{
		rig_job job = {};

		job.name = name.c_str();
		start(job, segments);
	}

	/* How the last run ended; valid until the next. */
	const rig_report &report() const noexcept
	{
		return *rig_pool_report(owned_.get());
	}

	rig_pool *get() const noexcept
	{
		return owned_.get();
	}

private:
	static rig_pool_options with(int workers)
	{
		rig_pool_options options = {};

		options.workers = workers;
		return options;
	}

	void start(rig_job &job, std::initializer_list<handed> segments)
	{
		int count = 0;
		int r;

		if (segments.size() > RIG_SEGMENTS_MAX)
			throw std::length_error("rig::pool::run: more than "
						"RIG_SEGMENTS_MAX segments");
		for (const handed &window : segments) {
			rig_handed &c = job.segments[count++];

			c.name = window.name.c_str();
			c.offset = window.offset;
			c.bytes = window.bytes;
			c.read_only = window.read_only;
		}
		r = rig_pool_run(owned_.get(), &job);
		if (r < 0) {
			const rig_report *told = rig_pool_report(owned_.get());

			throw error(r, told ? told->text : "");
		}
	}

	detail::owner<rig_pool, rig_pool_destroy> owned_;
};

inline segment::segment(pool &by, std::size_t bytes, const char *name)
{
	rig_segment_options options = {};

	options.pool = by.get();
	create(bytes, name, options);
}

} // namespace rig

#endif
