! SPDX-License-Identifier: MIT
!
! test.f90 - runrig.f90: layouts, runs, arguments, results, verbs, errors.
module test_kernels
  use, intrinsic :: iso_c_binding
  use runrig
  implicit none

  type, bind(c) :: scale
    real(c_double) :: factor
    integer(c_int64_t) :: offset
  end type

contains

  function fill(team) bind(c) result(code)
    type(c_ptr), value :: team
    integer(c_int) :: code
    type(scale), pointer :: args
    real(c_double), pointer :: x(:)
    integer(c_size_t) :: first, last, i

    call c_f_pointer(rig_team_args(team), args)
    call rig_team_get(team, 0, x)
    call rig_team_part(team, size(x, kind=c_size_t), first, last)
    do i = first, last
      x(i) = args%factor * real(i, c_double) + real(args%offset, c_double)
    end do
    code = rig_team_barrier(team)
  end function

  function total(team) bind(c) result(code)
    type(c_ptr), value :: team
    integer(c_int) :: code
    real(c_double), pointer :: x(:), result
    real(c_double) :: sum_here(1)
    integer(c_int32_t) :: ranks(2)
    integer(c_size_t) :: first, last

    call rig_team_get(team, 0, x)
    call rig_team_part(team, size(x, kind=c_size_t), first, last)
    sum_here = sum(x(first:last))
    call rig_team_fold(team, sum_here, RIG_SUM, code)
    if (code < 0) return
    ranks = [rig_team_rank(team), -rig_team_rank(team)]
    call rig_team_fold(team, ranks, RIG_MAX, code)
    if (code < 0) return
    if (any(ranks /= [rig_team_size(team) - 1, 0])) code = -5
    ranks = rig_team_rank(team)
    if (code == 0) call rig_team_share(team, ranks, 1, code)
    if (any(ranks /= 1)) code = -5
    call c_f_pointer(rig_team_result(team), result)
    result = sum_here(1)
  end function

  ! Rank 1 has what the system calls EIO.
  function fails(team) bind(c) result(code)
    type(c_ptr), value :: team
    integer(c_int) :: code

    code = 0
    if (rig_team_rank(team) == 1) code = -5
  end function
end module

program test
  use, intrinsic :: iso_c_binding
  use runrig
  use test_kernels
  implicit none

  interface
    function test_layout(index) bind(c) result(at)
      import :: c_int, c_size_t
      integer(c_int), value :: index
      integer(c_size_t) :: at
    end function
  end interface

  type(rig_pool) :: pool
  type(rig_segment) :: segment, other
  real(c_double), pointer :: x(:), y(:)
  type(scale), target :: args
  real(c_double), target :: result
  integer :: stat, failures

  failures = 0
  call layouts()
  call pool%create(stat, workers=3)
  call expect(stat == 0 .and. pool%size() == 3, "a pool of three")
  call segment%create(8000_c_size_t, stat, pool)
  args = scale(0.5_c_double, 3_c_int64_t)
  call pool%run(fill, [segment], stat, args, c_sizeof(args))
  call segment%get(x)
  call expect(stat == 0 .and. size(x) == 1000, "a run with arguments")
  call expect(x(1) == 3.5 .and. x(1000) == 503, "each element once")
  call other%attach(segment%name(), stat)
  call other%get(y)
  call expect(stat == 0 .and. all(x == y), "the same memory by its name")
  call other%destroy()
  call pool%run(total, [segment], stat, result=result, &
    result_bytes=c_sizeof(result))
  call expect(stat == 0 .and. result == 0.5 * 500500 + 3000, "a result")
  call pool%run(fails, [segment], stat)
  call expect(stat == -5, "the code of a kernel")
  call expect(index(pool%report(), "rank 1") > 0, "a report")
  call other%attach("no-such-segment", stat)
  call expect(stat == -2, "ENOENT")
  call expect(index(rig_message(), "no-such-segment") > 0, "words")
  call lists()
  call segment%destroy()
  call pool%destroy()
  if (failures > 0) error stop 1

contains

  subroutine expect(holds, what)
    logical, intent(in) :: holds
    character(len=*), intent(in) :: what

    if (holds) return
    print '(2a)', "not so: ", what
    failures = failures + 1
  end subroutine

  subroutine layouts()
    type(rig_pool_options) :: a
    type(rig_segment_options) :: b
    type(rig_handed) :: c
    type(rig_job) :: d
    type(rig_value) :: e
    integer(c_int), parameter :: numbers(8) = [RIG_INT32, RIG_INT64, &
      RIG_FLOAT32, RIG_FLOAT64, RIG_COMPLEX128, RIG_MAX, RIG_BXOR, &
      RIG_VALUE_BYTES]
    integer(c_int) :: i

    call expect(c_sizeof(a) == test_layout(0_c_int), "rig_pool_options")
    call expect(c_sizeof(b) == test_layout(1_c_int), "rig_segment_options")
    call expect(c_sizeof(c) == test_layout(2_c_int), "rig_handed")
    call expect(c_sizeof(d) == test_layout(3_c_int), "rig_job")
    call expect(c_sizeof(e) == test_layout(4_c_int), "rig_value")
    ! In runrig.f90 the words stand behind 56 bytes.
    call expect(test_layout(5_c_int) == 56, "rig_report")
    do i = 1, size(numbers)
      call expect(numbers(i) == test_layout(5 + i), "an enumerator")
    end do
  end subroutine

  subroutine lists()
    type(rig_list) :: list
    integer(c_int64_t) :: item
    real(c_double) :: number

    call list%create([5_c_int64_t, 6_c_int64_t])
    call list%set(0, 2.5_c_double)
    call list%get(0, number)
    call list%get(-1, item)
    call expect(number == 2.5 .and. item == 6, "items")
    call list%get(0, item, stat)
    call expect(stat == -22, "a real number is no whole number")
    call expect(index(list%repr(), "[2.5, 6]") > 0, "repr")
    call list%destroy()
  end subroutine
end program
