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

#include <complex>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <runrig/runrig.h>

namespace rig
{

/* A failed call: what() is rig_why(), code() the negative errno, and report()
 * the words of rig_pool_report() where a run failed. */
class error : public std::runtime_error {
public:
	explicit error(int code, std::string report = "")
		: std::runtime_error(rig_why()), code_(code),
		  report_(std::move(report))
	{
	}

	int code() const noexcept
	{
		return code_;
	}

	const std::string &report() const noexcept
	{
		return report_;
	}

private:
	int code_;
	std::string report_;
};

/* The result of a function of C, or an exception where that is an error. */
inline int check(int result)
{
	if (result < 0)
		throw error(result);
	return result;
}

/* Elements of a segment, which owns the memory. */
template <class T> class view {
	static_assert(std::is_trivially_copyable_v<T>,
		      "shared memory holds types that may be copied byte by "
		      "byte: no std::string, no pointers to this process");

public:
	view(T *data, std::size_t size) noexcept : data_(data), size_(size)
	{
	}

	T *data() const noexcept
	{
		return data_;
	}

	std::size_t size() const noexcept
	{
		return size_;
	}

	T *begin() const noexcept
	{
		return data_;
	}

	T *end() const noexcept
	{
		return data_ + size_;
	}

	T &operator[](std::size_t index) const noexcept
	{
		return data_[index];
	}

	/* The element, or std::out_of_range. */
	T &at(std::size_t index) const
	{
		if (index >= size_)
			throw std::out_of_range("rig::view");
		return data_[index];
	}

	/* The elements of a span, which lies within. */
	view part(rig_span span) const noexcept
	{
		return { data_ + span.begin, span.end - span.begin };
	}

private:
	T *data_;
	std::size_t size_;
};

namespace detail
{

template <auto destroy> struct deleter {
	template <class T> void operator()(T *object) const noexcept
	{
		destroy(object);
	}
};

template <class T, auto destroy>
using owner = std::unique_ptr<T, deleter<destroy>>;

template <class T> view<T> view_of(void *data, std::size_t bytes)
{
	if (reinterpret_cast<std::uintptr_t>(data) % alignof(T))
		throw std::invalid_argument("rig::view: not aligned for T");
	return { static_cast<T *>(data), bytes / sizeof(T) };
}

} // namespace detail

class pool;

/* A segment in this process; the maker's end removes the name. */
class segment {
public:
	/* Make a segment under a fresh name, or under `name`. */
	explicit segment(std::size_t bytes, const char *name = nullptr,
			 const rig_segment_options &options = {})
	{
		create(bytes, name, options);
	}

	/* Make a segment; the pool's workers populate the pages. */
	inline segment(pool &by, std::size_t bytes,
		       const char *name = nullptr);

	/* Map a segment by its name. */
	static segment attach(const std::string &name,
			      const rig_segment_options &options = {})
	{
		rig_segment *made = nullptr;

		check(rig_segment_attach(&made, name.c_str(), &options));
		return segment(made);
	}

	/* Own the segment of a function of C. */
	explicit segment(rig_segment *made) noexcept : owned_(made)
	{
	}

	void *data() const noexcept
	{
		return rig_segment_data(owned_.get());
	}

	std::size_t bytes() const noexcept
	{
		return rig_segment_bytes(owned_.get());
	}

	std::string name() const
	{
		return rig_segment_name(owned_.get());
	}

	/* The bytes as elements; a rest of bytes is not in the view. */
	template <class T> view<T> as() const
	{
		return detail::view_of<T>(data(), bytes());
	}

	/* Remove the name now; the memory stays mapped. */
	void unlink()
	{
		check(rig_segment_unlink(owned_.get()));
	}

	rig_segment *get() const noexcept
	{
		return owned_.get();
	}

private:
	void create(std::size_t bytes, const char *name,
		    const rig_segment_options &options)
	{
		rig_segment *made = nullptr;

		check(rig_segment_create(&made, name, bytes, &options));
		owned_.reset(made);
	}

	detail::owner<rig_segment, rig_segment_destroy> owned_;
};

/* An item of a list, as Python has it; std::monostate is None. */
struct bytes {
	std::string data;

	bool operator==(const bytes &other) const
	{
		return data == other.data;
	}
};
using value =
	std::variant<std::monostate, std::int64_t, double, bool, std::string,
		     bytes>;

namespace detail
{

inline rig_value to_c(const value &item)
{
	struct visitor {
		rig_value operator()(std::monostate) const
		{
			return rig_none();
		}
		rig_value operator()(std::int64_t integer) const
		{
			return rig_int(integer);
		}
		rig_value operator()(double real) const
		{
			return rig_float(real);
		}
		rig_value operator()(bool truth) const
		{
			return rig_bool(truth);
		}
		rig_value operator()(const std::string &text) const
		{
			rig_value v = rig_bytes(text.data(), text.size());

			v.kind = RIG_VALUE_STR;
			return v;
		}
		rig_value operator()(const bytes &raw) const
		{
			return rig_bytes(raw.data.data(), raw.data.size());
		}
	};

	return std::visit(visitor{}, item);
}

inline value from_c(const rig_value &item)
{
	switch (item.kind) {
	case RIG_VALUE_INT:
		return std::int64_t{ item.integer };
	case RIG_VALUE_FLOAT:
		return item.real;
	case RIG_VALUE_BOOL:
		return item.truth;
	case RIG_VALUE_STR:
		return std::string(item.text, item.bytes);
	case RIG_VALUE_BYTES:
		return bytes{ std::string(item.text, item.bytes) };
	default:
		return std::monostate{};
	}
}

inline std::vector<rig_value> to_c(const std::vector<value> &items)
{
	std::vector<rig_value> values;

	for (const value &item : items)
		values.push_back(to_c(item));
	return values;
}

} // namespace detail

/* A list in shared memory, which Python opens as a ShareableList. */
class list {
public:
	explicit list(const std::vector<value> &items,
		      const char *name = nullptr,
		      const rig_segment_options &options = {})
	{
		std::vector<rig_value> values = detail::to_c(items);
		rig_list *made = nullptr;

		check(rig_list_create(&made, name, values.data(),
				      values.size(), &options));
		owned_.reset(made);
	}

	static list attach(const std::string &name,
			   const rig_segment_options &options = {})
	{
		rig_list *made = nullptr;

		check(rig_list_attach(&made, name.c_str(), &options));
		return list(made);
	}

	/* The list in a kernel's segment. */
	static list over(view<std::byte> memory)
	{
		rig_list *made = nullptr;

		check(rig_list_over(&made, memory.data(), memory.size()));
		return list(made);
	}

	explicit list(rig_list *made) noexcept : owned_(made)
	{
	}

	std::size_t size() const noexcept
	{
		return rig_list_length(owned_.get());
	}

	std::string name() const
	{
		return rig_list_name(owned_.get());
	}

	value get(std::int64_t index) const
	{
		rig_value item;

		check(rig_list_get(owned_.get(), index, &item));
		return detail::from_c(item);
	}

	void set(std::int64_t index, const value &item)
	{
		rig_value v = detail::to_c(item);

		check(rig_list_set(owned_.get(), index, &v));
	}

	void swap(std::int64_t a, std::int64_t b)
	{
		check(rig_list_swap(owned_.get(), a, b));
	}

	/* As Python's repr() has it. */
	std::string repr() const
	{
		char *text = nullptr;

		check(rig_list_repr(owned_.get(), &text));
		std::unique_ptr<char, detail::deleter<std::free>> held(text);
		return text;
	}

	rig_list *get() const noexcept
	{
		return owned_.get();
	}

private:
	detail::owner<rig_list, rig_list_destroy> owned_;
};

/* Segments and lists that go when the manager does. */
class manager {
public:
	manager()
	{
		rig_manager *made = nullptr;

		check(rig_manager_start(&made));
		owned_.reset(made);
	}

	rig::segment segment(std::size_t bytes)
	{
		rig_segment *made = nullptr;

		check(rig_manager_segment(owned_.get(), &made, bytes));
		return rig::segment(made);
	}

	rig::list list(const std::vector<value> &items)
	{
		std::vector<rig_value> values = detail::to_c(items);
		rig_list *made = nullptr;

		check(rig_manager_list(owned_.get(), &made, values.data(),
				       values.size()));
		return rig::list(made);
	}

private:
	detail::owner<rig_manager, rig_manager_shutdown> owned_;
};

/* The element type of collectives for T.  Values of a struct are moved as bytes, and
 * no operation folds a struct. */
template <class T> int type_of()
{
	if constexpr (std::is_same_v<T, bool>)
		return RIG_BOOL;
	else if constexpr (std::is_integral_v<T>)
		return (std::is_signed_v<T> ? RIG_INT8 : RIG_UINT8) +
		       (sizeof(T) == 1   ? 0
			: sizeof(T) == 2 ? 1
			: sizeof(T) == 4 ? 2
					 : 3);
	else if constexpr (std::is_same_v<T, float>)
		return RIG_FLOAT32;
	else if constexpr (std::is_same_v<T, double>)
		return RIG_FLOAT64;
	else if constexpr (std::is_same_v<T, long double>)
		return RIG_FLOAT128;
	else if constexpr (std::is_same_v<T, std::complex<float>>)
		return RIG_COMPLEX64;
	else if constexpr (std::is_same_v<T, std::complex<double>>)
		return RIG_COMPLEX128;
	else
		return check(rig_type_opaque(sizeof(T)));
}

/* In a kernel: this rank of the team.  Each verb throws rig::error where the
 * function of C returns an error; let the exception leave the kernel. */
class team {
public:
	explicit team(rig_team *c) noexcept : c_(c)
	{
	}

	int rank() const noexcept
	{
		return rig_team_rank(c_);
	}

	int size() const noexcept
	{
		return rig_team_size(c_);
	}

	/* Segment `index` of the job, as elements. */
	template <class T> rig::view<T> view(int index) const
	{
		if (index < 0 || index >= rig_team_segments(c_))
			throw std::out_of_range("rig::team::view");
		return detail::view_of<T>(rig_team_data(c_, index),
					  rig_team_bytes(c_, index));
	}

	/* This rank's part of `count` things. */
	rig_span strip(std::size_t count) const noexcept
	{
		return rig_team_strip(c_, count);
	}

	void barrier()
	{
		check(rig_team_barrier(c_));
	}

	/* The root's value, on every rank. */
	template <class T> T bcast(T item, int root = 0)
	{
		check(rig_team_bcast(c_, &item, 1, type_of<T>(), root));
		return item;
	}

	template <class T> void bcast(rig::view<T> items, int root = 0)
	{
		check(rig_team_bcast(c_, items.data(), items.size(),
				     type_of<T>(), root));
	}

	/* All ranks' items folded into one, on every rank. */
	template <class T> T allreduce(const T &item, int op = RIG_SUM)
	{
		T folded{};

		check(rig_team_allreduce(c_, &item, &folded, 1, type_of<T>(),
					 op));
		return folded;
	}

	template <class T>
	void allreduce(rig::view<const T> send, rig::view<T> recv,
		       int op = RIG_SUM)
	{
		same(send.size() == recv.size());
		check(rig_team_allreduce(c_, send.data(), recv.data(),
					 send.size(), type_of<T>(), op));
	}

	/* The items of ranks 0 to this one folded. */
	template <class T> T scan(const T &item, int op = RIG_SUM)
	{
		T folded{};

		check(rig_team_scan(c_, &item, &folded, 1, type_of<T>(), op));
		return folded;
	}

	/* An item of each rank, in rank order, on every rank. */
	template <class T> std::vector<T> allgather(const T &item)
	{
		static_assert(!std::is_same_v<T, bool>,
			      "std::vector<bool> has no elements to fill in");
		std::vector<T> all(static_cast<std::size_t>(size()));

		check(rig_team_allgather(c_, &item, 1, type_of<T>(),
					 all.data(), 1, type_of<T>()));
		return all;
	}

	/* How much of this rank's work is done, from 0 to 1. */
	void progress(double share) noexcept
	{
		rig_team_progress(c_, share);
	}

	rig_team *get() const noexcept
	{
		return c_;
	}

private:
	static void same(bool sizes)
	{
		if (!sizes)
			throw std::invalid_argument("rig::team: views of two "
						    "sizes");
	}

	rig_team *c_;
};

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
