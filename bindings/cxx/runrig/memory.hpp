/* SPDX-License-Identifier: MIT */
/*
 * memory.hpp - errors as exceptions, views of elements, and segments: a part of
 * runrig.hpp.
 */
#ifndef RUNRIG_MEMORY_HPP
#define RUNRIG_MEMORY_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

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

} // namespace rig

#endif
