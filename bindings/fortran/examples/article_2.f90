! SPDX-License-Identifier: MIT
!
! article_2.f90 - the article's second program: a child sets item 1 of a list to 99
! and adds 99 to item 2.
program article_2
  use, intrinsic :: iso_c_binding
  use runrig
  implicit none

  interface
    function fork() bind(c) result(pid)
      import :: c_int
      integer(c_int) :: pid
    end function

    function wait(status) bind(c) result(pid)
      import :: c_int
      integer(c_int) :: status, pid
    end function

    subroutine leave(status) bind(c, name="_exit")
      import :: c_int
      integer(c_int), value :: status
    end subroutine
  end interface

  type(rig_list) :: list
  integer(c_int64_t) :: items(3)
  integer(c_int) :: status, pid
  integer :: i

  call list%create([1_c_int64_t, 2_c_int64_t, 3_c_int64_t])
  print '(a)', list%repr()
  flush (6)
  if (fork() == 0) call child(list%name())
  pid = wait(status)
  do i = 1, 3
    call list%get(i - 1, items(i))
  end do
  print '(*(i0, ", "))', items
  call list%destroy()
  if (pid < 0 .or. status /= 0) error stop 1

contains

  subroutine child(name)
    character(len=*), intent(in) :: name
    type(rig_list) :: attached
    integer(c_int64_t) :: item

    call attached%attach(name)
    call attached%set(1, 99_c_int64_t)
    call attached%get(2, item)
    call attached%set(2, item + 99)
    call attached%destroy()
    call leave(0_c_int)
  end subroutine
end program
