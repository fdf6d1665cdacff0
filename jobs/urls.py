from django.urls import path, re_path

from jobs.job_page import tabs
from jobs.views import home, job, job_list, new_job, queue, try_it

urlpatterns = [
    path("", home.home, name="home"),
    path("welcome/", home.welcome_page, name="welcome"),
    path("welcome/demo/", home.demo, name="demo"),
    path("queue/", queue.queue, name="queue"),
    path("jobs/", job_list.job_list, name="jobs"),
    path("jobs/new/", new_job.new_job, name="job_new"),
    path("jobs/new/check/", new_job.check, name="job_check"),
    path("jobs/new/preflight/", new_job.preflight, name="job_preflight"),
    path("jobs/<int:number>/", job.job_page, name="job"),
    path("jobs/<int:number>/do/<slug:verb>/", job.job_do, name="job_do"),
    path("jobs/<int:number>/try/", try_it.try_it, name="job_try"),
    path("jobs/<int:number>/log/", job.job_log, name="job_log"),
    re_path(rf"^jobs/(?P<number>[0-9]+)/(?P<tab>{'|'.join(tabs.CONTENT)})/$", job.job_page, name="job_tab"),
    path("jobs/new/<int:number>/", new_job.new_job, name="job_draft"),
]
