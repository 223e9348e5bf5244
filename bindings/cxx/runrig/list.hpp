/* SPDX-License-Identifier: MIT */
/*
 * list.hpp - Python's lists in shared memory, and the manager: a part of runrig.hpp.
 */
#ifndef RUNRIG_LIST_HPP
#define RUNRIG_LIST_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <runrig/memory.hpp>

namespace rig
{

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

} // namespace rig

#endif
