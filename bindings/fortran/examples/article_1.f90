! SPDX-License-Identifier: MIT
!
! article_1.f90 - the article's first program: a child that knows only the name
! writes the parent's 10 bytes.
program article_1
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

  type(rig_segment) :: segment
  integer(c_int8_t), pointer :: bytes(:)
  integer(c_int) :: status, pid
  integer :: i

  call segment%create(10_c_size_t)
  call segment%get(bytes)
  bytes = [(int(i, c_int8_t), i = 0, 9)]
  print '(*(i0, ", "))', bytes
  flush (6)
  if (fork() == 0) call child(segment%name())
  pid = wait(status)
  print '(*(i0, ", "))', bytes
  call segment%destroy()
  if (pid < 0 .or. status /= 0) error stop 1

contains

  subroutine child(name)
    character(len=*), intent(in) :: name
    type(rig_segment) :: attached
    integer(c_int8_t), pointer :: theirs(:)
    integer :: k

    call attached%attach(name)
    call attached%get(theirs)
    theirs = [(int(k, c_int8_t), k = 10, 1, -1)]
    call attached%destroy()
    call leave(0_c_int)
  end subroutine
end program
