/* SPDX-License-Identifier: MIT */
/*
 * team.hpp - the ranks of a team, for kernels: a part of runrig.hpp.
 */
#ifndef RUNRIG_TEAM_HPP
#define RUNRIG_TEAM_HPP

#include <complex>
#include <cstddef>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include <runrig/memory.hpp>

namespace rig
{

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

} // namespace rig

#endif
