! SPDX-License-Identifier: MIT
!
! article_3.f90 - the article's third program: a managed list in reverse, by the
! article's loop and by a pool.
module article_3_kernels
  use, intrinsic :: iso_c_binding
  use runrig
  implicit none

contains

  ! Each rank swaps its part of the five pairs.
  function reverse(team) bind(c) result(code)
    type(c_ptr), value :: team
    integer(c_int) :: code
    type(rig_list) :: list
    integer(c_size_t) :: first, last, i
    integer :: stat

    call list%over(team, 0, stat)
    if (stat == 0) then
      call rig_team_part(team, list%length() / 2, first, last)
      do i = first, last
        if (stat == 0) call list%swap(i - 1, 10 - i, stat)
      end do
      call list%destroy()
    end if
    code = int(stat, c_int)
  end function
end module

program article_3
  use, intrinsic :: iso_c_binding
  use runrig
  use article_3_kernels
  implicit none

  type(rig_pool) :: pool
  type(rig_manager) :: manager
  type(rig_list) :: loop, list
  integer(c_int64_t) :: item
  integer :: i

  call pool%create()
  call manager%start()
  call manager%list(loop, [(int(i, c_int64_t), i = 0, 9)])
  do i = 0, 9
    call loop%get(9 - i, item)
    call loop%set(i, item)
  end do
  call show(loop)
  call manager%list(list, [(int(i, c_int64_t), i = 0, 9)])
  call pool%run(reverse, [list%segment()])
  call show(list)
  call loop%destroy()
  call list%destroy()
  call manager%shutdown()
  call pool%destroy()

contains

  subroutine show(shown)
    type(rig_list), intent(in) :: shown
    integer(c_int64_t) :: items(10)
    integer :: k

    do k = 0, 9
      call shown%get(k, items(k + 1))
    end do
    print '(*(i0, ", "))', items
  end subroutine
end program
